/**
 * Which layer may import which (docs/design/001-architecture.md). `types` means `import type` only: the contract is
 * used, nothing of it runs. Change a rule here together with that document.
 */
export const layers = {
  linux: { may: [], types: [] },
  containers: { may: ['linux'], types: [] },
  observe: { may: ['containers', 'linux'], types: ['trace'] },
  diagnose: { may: ['linux'], types: ['observe', 'containers', 'trace'] },
  /** case.ts, rule.ts and what they share. */
  rules: { may: ['diagnose', 'linux'], types: ['observe', 'containers', 'trace'] },
  /** lab.ts of a case. */
  'case-labs': { may: ['lab', 'linux'], types: [] },
  /** What runs as PID 1 of a lab container: a program of its own. */
  programs: { may: [], types: [] },
  /** src/cases/index.ts and entry.ts, which tie the parts of a case together. */
  catalogue: { may: ['rules', 'case-labs', 'diagnose', 'lab'], types: [] },
  lab: { may: ['containers', 'linux'], types: [] },
  trace: { may: ['containers', 'linux'], types: [] },
  /** A second kernel, for labs; knows nothing of what runs in it. */
  vm: { may: [], types: [] },
  cli: {
    may: ['linux', 'containers', 'observe', 'diagnose', 'rules', 'catalogue', 'lab', 'trace', 'vm'],
    types: [],
  },
} as const satisfies Record<string, { may: readonly string[]; types: readonly string[] }>;
export type Layer = keyof typeof layers;

/** Node's modules that reach outside the process, and who may use them. */
export const nodeModules: Readonly<Record<string, readonly Layer[]>> = {
  fs: ['linux', 'lab', 'trace', 'vm', 'cli', 'programs'],
  'fs/promises': ['linux', 'lab', 'trace', 'vm', 'cli', 'programs'],
  child_process: ['linux', 'lab', 'trace', 'vm', 'cli', 'programs'],
  worker_threads: ['linux', 'lab', 'trace', 'cli', 'programs'],
  net: ['linux', 'containers', 'lab', 'cli', 'programs'],
  http: ['containers', 'lab', 'cli', 'programs'],
};

/** Packages that belong to one place, so that the rest stays pure and `--version` stays fast. */
export const packages: Readonly<Record<string, readonly Layer[]>> = {
  koffi: ['linux'],
  commander: ['cli'],
  'string-width': ['cli'],
  esbuild: [],
  vitest: [],
  'fast-check': [],
};

/** The layer of a file, by its path from the checkout's root; undefined outside src/. */
export function layerOf(path: string): Layer | undefined {
  const [top, layer, module, ...rest] = path.split('/');
  if (top !== 'src' || layer === undefined) return undefined;
  if (layer !== 'cases') return layer in layers ? (layer as Layer) : undefined;
  if (module === 'index.ts' || module === 'entry.ts') return 'catalogue';
  if (rest[1] === 'programs') return 'programs';
  return rest[1] === 'lab.ts' ? 'case-labs' : 'rules';
}

/** `memory/cgroup-oom` for a file in that case's folder. */
export const caseOf = (path: string): string | undefined => /^src\/cases\/([^/]+\/[^/]+)\/./.exec(path)?.[1];

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
