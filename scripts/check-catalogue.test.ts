import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controllers } from '../src/linux/cgroup/model.ts';
import { observationVersion } from '../src/observe/observation.ts';
import { host } from '../test/support/facts.ts';

const root = dirname(import.meta.dirname);
const id = 'process/planted-state';
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'glassbox-catalogue-'));
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'biome.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const run = (script: string, ...words: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [script, ...words], { encoding: 'utf8', cwd: copy });
const check = (): string => run(join(root, 'scripts/check-catalogue.ts'), copy).stderr;
const ofPlanted = (said: string): string[] => said.split('\n').filter(line => line.includes(id));
const edit = (file: string, change: (text: string) => string): void => {
  const path = join(copy, 'src/cases', file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
};

test('a new case compiles, is listed, and fails the check until it is written', () => {
  const made = run(join(root, 'scripts/new-case.ts'), id, copy);
  expect(made.stderr).toBe('');
  expect(made.status).toBe(0);
  // The catalogue and all that it imports; the rest does not know of the new case.
  const only = { extends: './tsconfig.json', include: ['src/cases/index.ts', `src/cases/${id}`] };
  writeFileSync(join(copy, 'tsconfig.case.json'), JSON.stringify(only));
  const types = run('node_modules/typescript/bin/tsc', '--noEmit', '--project', 'tsconfig.case.json');
  expect(types.stdout).toBe('');

  const said = check();
  expect(said).toContain(`src/cases/${id}/fixture/problem.json is missing. Capture it from the lab`);
  expect(said).toContain(`src/cases/${id}/rule.ts: write what is still TODO`);
  expect(said).toContain(`src/cases/${id}/rule.test.ts expects nothing`);
  expect(said).toContain(`src/cases/${id}/README.md: write what is still TODO under "## Why"`);
  expect(said).toContain(`src/cases/${id}/README.zh-CN.md: write what is still TODO under "## 原因"`);
  expect(said).not.toContain('is not in src/cases/index.ts');
}, 60_000);

test('making it again changes nothing', () => {
  const before = readFileSync(join(copy, 'src/cases/index.ts'), 'utf8');
  const again = run(join(root, 'scripts/new-case.ts'), id, copy);
  expect(again.stdout).not.toContain('made');
  expect(readFileSync(join(copy, 'src/cases/index.ts'), 'utf8')).toBe(before);
});

test('fixtures that prove nothing are told', () => {
  const empty = {
    kind: 'glassbox-observation',
    version: observationVersion,
    observedAt: '2026-11-23T10:00:00.000Z',
    windowMs: 1000,
    host: host(),
    cgroups: Object.fromEntries(controllers.map(controller => [controller, {}])),
    containers: [],
    notices: [],
  };
  for (const name of ['problem', 'healthy'])
    writeFileSync(join(copy, `src/cases/${id}/fixture/${name}.json`), JSON.stringify(empty));
  const said = check();
  expect(said).toContain(`${id}/fixture/problem.json: the rule does not find the problem`);
  expect(said).toContain(`${id}/fixture/healthy.json: the rule rules nothing out`);
  writeFileSync(join(copy, `src/cases/${id}/fixture/problem.json`), '{"kind"');
  expect(check()).toContain(`${id}/fixture/problem.json: it is not JSON`);
});

test('a case whose id is not its folder, and one that nobody lists, are told', () => {
  edit(`${id}/case.ts`, text => text.replace(id, 'process/other-state'));
  const said = check();
  expect(said).toContain(`${id} is not in src/cases/index.ts`);
  expect(said).toContain('src/cases/index.ts lists process/other-state, and there is no folder');
  edit(`${id}/case.ts`, text => text.replace('process/other-state', id));
  edit('index.ts', text => text.replace(/ {2}entry\(plantedState,.*\n/, ''));
  expect(ofPlanted(check())[0]).toContain('is not in src/cases/index.ts');
});

test.each([
  [undefined, 'Say the module and the case'],
  ['cgroup-oom', 'Say the module and the case'],
  ['kernel/x', 'There is no module "kernel"'],
  ['memory/CgroupOom', '"CgroupOom" is no name'],
  ['memory/../../x', 'Say the module'],
])('refuses the name %s', (name, said) => {
  const refused = run(join(root, 'scripts/new-case.ts'), ...(name === undefined ? [] : [name]));
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain(said);
});
