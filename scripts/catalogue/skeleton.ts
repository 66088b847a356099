import { modules } from '../../src/diagnose/case.ts';
import { type Language, languages } from './readme.ts';

export interface CaseName {
  readonly id: string;
  readonly module: string;
  readonly name: string;
}

/** The parts of `memory/cgroup-oom`, or what is wrong with it. */
export function parseCaseName(id: string | undefined): CaseName | string {
  const [module, name, ...rest] = (id ?? '').split('/');
  const known: readonly string[] = modules;
  if (id === undefined || module === undefined || name === undefined || rest.length > 0)
    return 'Say the module and the case: npm run new-case memory/cgroup-oom';
  if (!known.includes(module))
    return `There is no module "${module}". The modules are ${modules.join(', ')}.`;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    return `"${name}" is no name for a case. Name the state that is wrong, in lower case with hyphens: cgroup-oom.`;
  return { id, module, name };
}

/** `cgroup-oom` → `cgroupOom`, for the names in the index. */
export const identifierOf = (name: string): string =>
  name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The files of a new case: they compile, and the catalogue check says what is still to be written. */
export const skeletonOf = ({ id, module, name }: CaseName): Readonly<Record<string, string>> => ({
  'case.ts': `import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: '${id}',
  title: { en: 'TODO: the problem in one line', 'zh-CN': 'TODO：一行说明问题' },
  symptoms: ['slow'],
  questions: ['healthy'],
  namespaces: [],
  controllers: [],
  needs: ['init'],
  mayUse: [],
  references: ['TODO: the kernel document or source file that describes the mechanism'],
});
`,
  'rule.ts': `import type { RuleOf } from '../../../diagnose/case.ts';
import { inconclusive } from '../../../diagnose/verdict.ts';
import type { definition } from './case.ts';

/** TODO: which counter, event or bit shows that the mechanism acted, and what else could look the same. */
export const rule: RuleOf<typeof definition> = ({ init }) =>
  inconclusive({ what: \`TODO: judge \${init.pid}\`, because: 'disabled', remedy: 'write this rule' });
`,
  'lab.ts': `import type { Lab, Scenario } from '../../../lab/lab.ts';

const program = { kind: 'shell', script: 'echo ready; exec sleep 1000' } as const;

const scenario = (says: string): Scenario => ({
  says,
  start: async bench => {
    const container = await bench.container({ name: '${name}', program });
    await container.line(/^ready$/);
    return container;
  },
});

export const lab: Lab = {
  makes: 'TODO: what it makes; changes nothing else',
  seconds: 1,
  needs: [],
  healthy: scenario('TODO: what is right in the healthy twin'),
  problem: scenario('TODO: what is wrong here'),
  fix: {
    says: 'TODO: what is changed',
    apply: async (_bench, broken) => broken,
  },
  figures: [],
};
`,
  'rule.test.ts': `import { test } from 'vitest';

test.todo('${id}: found in the problem, ruled out in the healthy twin, and at the edges');
`,
  'fixture/PROVENANCE.md': `# Where the fixtures of ${id} come from

TODO: for problem.json and healthy.json each: kernel, distribution, cgroup version, the command, the lab that made it.
`,
  ...Object.fromEntries(
    (Object.keys(languages) as Language[]).map(language => [
      languages[language].file,
      readmeSkeleton(language, id, module),
    ]),
  ),
});

function readmeSkeleton(language: Language, id: string, module: string): string {
  const { headings } = languages[language];
  const sections = headings.map((heading, place) =>
    place === 3
      ? `## ${heading}\n\n\`\`\`\n./glassbox lab run ${id}\n\`\`\`\n\nTODO\n`
      : `## ${heading}\n\nTODO\n`,
  );
  return `# ${id}\n\nTODO: the title of case.ts (module ${module}).\n\n${sections.join('\n')}`;
}

/** src/cases/index.ts with the case added at the end of the catalogue; undefined when it has another form than ours. */
export function addToIndex(text: string, { id, name }: CaseName): string | undefined {
  const base = identifierOf(name);
  const declaration = 'export const catalogue';
  const list = /= \[([\s\S]*)\];\s*$/.exec(text);
  if (!text.includes(declaration) || list === null) return undefined;
  const imports = [
    `import { definition as ${base} } from './${id}/case.ts';`,
    `import { lab as ${base}Lab } from './${id}/lab.ts';`,
    `import { rule as ${base}Rule } from './${id}/rule.ts';`,
  ].join('\n');
  const entries = list[1]?.trim() ?? '';
  const line = `  entry(${base}, ${base}Rule, ${base}Lab),`;
  const body = entries === '' ? line : `  ${entries.replace(/,?$/, ',')}\n${line}`;
  const withEntry = `${text.slice(0, list.index)}= [\n${body}\n];\n`;
  const withImport = /import \{[^}]*\bentry\b[^}]*\} from/.test(withEntry)
    ? withEntry
    : withEntry.replace(
        "import type { CatalogueEntry } from './entry.ts';",
        "import { type CatalogueEntry, entry } from './entry.ts';",
      );
  return `${imports}\n${withImport}`;
}
