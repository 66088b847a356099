import { expect, test } from 'vitest';
import { type Edge, judge } from './judge.ts';
import { inFile } from './kernel-paths.ts';

const edge = (from: string, to: string, change: Partial<Edge> = {}): Edge => ({
  from,
  to,
  kind: 'ours',
  typeOnly: false,
  ...change,
});
const types = { typeOnly: true };
const node = { kind: 'node' } as const;
const npm = { kind: 'package' } as const;
const aCase = 'src/cases/memory/cgroup-oom';

test.each([
  edge('src/linux/proc/stat.ts', 'src/linux/units.ts'),
  edge('src/linux/files.ts', 'fs', node),
  edge('src/containers/discover.ts', 'src/linux/files.ts'),
  edge('src/observe/observe.ts', 'src/containers/container.ts'),
  edge('src/diagnose/facts.ts', 'src/observe/observation.ts', types),
  edge('src/diagnose/engine.ts', 'crypto', node),
  edge(`${aCase}/rule.ts`, 'src/diagnose/verdict.ts'),
  edge(`${aCase}/rule.ts`, `${aCase}/case.ts`, types),
  edge(`${aCase}/lab.ts`, 'src/lab/lab.ts', types),
  edge(`${aCase}/programs/eat.ts`, 'fs', node),
  edge('src/cases/index.ts', `${aCase}/lab.ts`),
  edge('src/lab/run.ts', 'src/containers/container.ts'),
  edge('src/cli/main.ts', 'src/cases/index.ts'),
  edge('src/cli/main.ts', 'commander', npm),
  edge('src/cli/main.ts', 'package.json'),
  edge(`${aCase}/rule.test.ts`, 'src/cli/main.ts'),
  edge('src/containers/engines/docker.ts', 'fs', { ...node, ...types }),
])('$from may import $to', allowed => {
  expect(judge(allowed)).toBeUndefined();
});

test.each([
  [
    'linux imports nothing of ours',
    edge('src/linux/x.ts', 'src/containers/container.ts'),
    'nothing of ours, not containers',
  ],
  ['not even types', edge('src/linux/x.ts', 'src/containers/container.ts', types), 'nothing of ours'],
  ['upwards', edge('src/observe/x.ts', 'src/diagnose/engine.ts'), 'not diagnose'],
  ['diagnose runs observe', edge('src/diagnose/x.ts', 'src/observe/observe.ts'), 'import type'],
  ['a rule reads a file', edge(`${aCase}/rule.ts`, 'fs', node), 'KernelFiles'],
  ['a rule knows the lab', edge(`${aCase}/rule.ts`, 'src/lab/lab.ts', types), 'not lab'],
  ['a case uses another', edge(`${aCase}/rule.ts`, 'src/cases/memory/swapping/rule.ts'), 'another case'],
  ['a lab diagnoses', edge('src/lab/run.ts', 'src/diagnose/engine.ts'), 'not diagnose'],
  ['a program imports us', edge(`${aCase}/programs/eat.ts`, 'src/linux/units.ts'), 'nothing of ours'],
  ['a program needs a package', edge(`${aCase}/programs/eat.ts`, 'koffi', npm), 'nothing but Node'],
  ['somebody imports cli', edge('src/lab/run.ts', 'src/cli/main.ts'), 'not cli'],
  ['a package in the wrong place', edge('src/diagnose/x.ts', 'commander', npm), 'only cli may use commander'],
  ['a tool', edge('src/linux/x.ts', 'esbuild', npm), 'a tool'],
  ['a test is used', edge('src/linux/x.ts', 'src/linux/y.test.ts'), 'a test is imported by nobody'],
  ['test support', edge('src/linux/x.ts', 'test/support/facts.ts', types), 'nothing in src/ may need test/'],
  ['an unknown layer', edge('src/utils/x.ts', 'fs', node), 'in no known layer'],
  ['a file that is not there', edge('src/linux/x.ts', './gone.ts', { kind: 'unresolved' }), 'no such file'],
])('refuses: %s', (_, forbidden, said) => {
  expect(judge(forbidden)).toContain(said);
});

test('sees kernel paths that are opened, not those that are named', () => {
  const text = [
    "files.read('/proc/loadavg');",
    'files.link(`/proc/$' + '{pid}/exe`);',
    "readFileSync('/sys/fs/' + name);",
    "evidence('it moved', '/proc/loadavg', '3');",
    "files.read('/procession');",
    'files.read(path);',
  ].join('\n');
  expect(inFile('src/observe/x.ts', text).map(said => said.replace(/: only.*/, ''))).toEqual([
    'src/observe/x.ts:1 opens /proc/loadavg',
    'src/observe/x.ts:2 opens /proc/',
    'src/observe/x.ts:3 opens /sys/fs/',
  ]);
});
