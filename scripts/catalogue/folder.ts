import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueEntry } from '../../src/cases/entry.ts';
import { modules } from '../../src/diagnose/case.ts';
import { type Language, languages, wrongInReadme } from './readme.ts';

const files = [
  'case.ts',
  'rule.ts',
  'lab.ts',
  'rule.test.ts',
  'fixture/problem.json',
  'fixture/healthy.json',
  'fixture/PROVENANCE.md',
  'README.md',
  'README.zh-CN.md',
] as const;

/** `memory/cgroup-oom` for each case folder of the checkout; a folder that is no module is told as wrong. */
export function caseFolders(root: string): {
  readonly ids: readonly string[];
  readonly wrong: readonly string[];
} {
  const directories = (path: string): readonly string[] =>
    readdirSync(join(root, path), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
      .sort();
  const known: readonly string[] = modules;
  const tops = directories('src/cases');
  return {
    ids: tops
      .filter(top => known.includes(top))
      .flatMap(top => directories(`src/cases/${top}`).map(name => `${top}/${name}`)),
    wrong: tops
      .filter(top => !known.includes(top))
      .map(top => `src/cases/${top} is no module. Move its cases into one of ${modules.join(', ')}.`),
  };
}

/** The index and the folders name the same cases, each once. */
export function wrongInIndex(
  ids: readonly string[],
  catalogue: readonly CatalogueEntry[],
): readonly string[] {
  const listed = catalogue.map(({ definition }) => definition.id as string);
  return [
    ...ids
      .filter(id => !listed.includes(id))
      .map(id => `${id} is not in src/cases/index.ts. Import its case, rule and lab there and add entry(…).`),
    ...listed
      .filter(id => !ids.includes(id))
      .map(
        id =>
          `src/cases/index.ts lists ${id}, and there is no folder src/cases/${id}. Its case.ts has another id than its folder, or it was removed: make them the same.`,
      ),
    ...listed
      .filter((id, place) => listed.indexOf(id) !== place)
      .map(id => `src/cases/index.ts lists ${id} twice. Remove one, or correct the id in its case.ts.`),
    ...catalogue.flatMap(({ definition: { id, coveredBy = [] } }) =>
      coveredBy.flatMap(other => wrongSpeaker(id, other, catalogue)),
    ),
  ];
}

/** Who speaks for a case must exist and speak for itself: otherwise both could be left out. */
function wrongSpeaker(id: string, other: string, catalogue: readonly CatalogueEntry[]): readonly string[] {
  const speaker = catalogue.find(({ definition }) => definition.id === other)?.definition;
  if (speaker === undefined) return [`${id} is coveredBy ${other}, and there is no such case.`];
  return speaker.coveredBy === undefined
    ? []
    : [`${id} is coveredBy ${other}, which is covered itself. Name the cases that speak for ${other}.`];
}

/** What is missing or empty in one case's folder. */
export function wrongInFolder(
  root: string,
  id: string,
  entry: CatalogueEntry | undefined,
): readonly string[] {
  const folder = `src/cases/${id}`;
  const wrong: string[] = [];
  if (!/^[a-z]+\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id))
    wrong.push(
      `${folder}: name it in lower case with hyphens, as the state that is wrong: ${id.toLowerCase()}`,
    );
  for (const file of files)
    if (!existsSync(join(root, folder, file)))
      wrong.push(`${folder}/${file} is missing. ${howToMake(file, id)}`);

  const text = (file: string): string | undefined =>
    existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8') : undefined;
  for (const file of ['case.ts', 'rule.ts', 'lab.ts', 'rule.test.ts', 'fixture/PROVENANCE.md'])
    if (text(file)?.includes('TODO')) wrong.push(`${folder}/${file}: write what is still TODO.`);
  const tests = text('rule.test.ts');
  if (tests !== undefined && !/\bexpect\(/.test(tests))
    wrong.push(`${folder}/rule.test.ts expects nothing. Test the verdict on both fixtures and at its edges.`);
  if ((text('fixture/PROVENANCE.md')?.trim().length ?? 100) < 100)
    wrong.push(
      `${folder}/fixture/PROVENANCE.md: say the kernel, the command and the lab that made each fixture.`,
    );

  if (entry !== undefined)
    for (const language of Object.keys(languages) as Language[]) {
      const { file } = languages[language];
      const readme = text(file);
      const about = { id, title: entry.definition.title[language] };
      if (readme !== undefined)
        wrong.push(...wrongInReadme(language, readme, about).map(what => `${folder}/${file}: ${what}.`));
    }
  return wrong;
}

function howToMake(file: (typeof files)[number], id: string): string {
  if (file.endsWith('.json')) return `Capture it from the lab: CONTRIBUTING.md, "A case".`;
  return `npm run new-case ${id} makes what is missing and leaves the rest.`;
}
