import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { width } from '../../src/cli/text/layout.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { glassbox, root } from './run.ts';

const fixture = (id: string, which = 'problem'): string =>
  join(root, 'src/cases', id, 'fixture', `${which}.json`);
const throttled = fixture('process/cpu-throttled');

test('a saved observation is diagnosed anywhere: the finding, its evidence, the five answers', () => {
  const { code, output } = glassbox(['diagnose', '--from', throttled]);
  expect(code).toBe(0);
  for (const part of [
    'process/cpu-throttled, proved',
    'nr_throttled',
    'glassbox lab run process/cpu-throttled',
    'problems ruled out',
  ])
    expect(output).toContain(part);
  expect(output).not.toContain('\u001b');
});

test('--all also shows what was ruled out, with where to look', () => {
  const { output } = glassbox(['diagnose', '--from', throttled, '--all']);
  expect(output).toMatch(/ruled out +process\/zombies-not-reaped/);
});

test('--json is the contract, and the same every time', () => {
  const runs = [1, 2].map(() => glassbox(['diagnose', '--from', throttled, '--json']));
  const diagnosis = JSON.parse(runs[0]?.output ?? '') as Diagnosis;
  expect(runs[0]?.output).toBe(runs[1]?.output);
  expect(diagnosis).toMatchObject({ version: 1, host: { cgroup: 'hybrid', cpus: 2 } });
  expect(Object.keys(diagnosis.containers[0]?.answers ?? {})).toEqual([
    'isolated',
    'limited',
    'healthy',
    'goodNeighbour',
    'hostSafe',
  ]);
  expect(diagnosis.containers[0]?.verdicts[0]).toMatchObject({
    case: 'process/cpu-throttled',
    verdict: {
      kind: 'found',
      evidence: expect.any(Array),
      excluded: expect.any(Array),
      fixes: expect.any(Array),
    },
  });
});

test.each([
  [['--fail-on', 'critical'], throttled, 1],
  [['--fail-on', 'warning'], fixture('process/cpu-throttled', 'healthy'), 0],
  [['--fail-on', 'notice', '--symptom', 'disk-full'], throttled, 0],
])('diagnose %j ends with its exit code', (words, file, code) => {
  expect(glassbox(['diagnose', '--from', file, ...words]).code).toBe(code);
});

test('ps and inspect fit 80 columns', () => {
  const name = (
    JSON.parse(readFileSync(throttled, 'utf8')) as { containers: [{ container: { name: string } }] }
  ).containers[0].container.name;
  const list = glassbox(['ps', '--from', throttled]);
  expect(list.output).toContain('NAME');
  expect(list.output).toContain(`glassbox diagnose ${name}`);
  const box = glassbox(['inspect', name, '--from', throttled]);
  for (const part of ['namespaces', 'cgroups', 'working set', 'capabilities', 'PID 1 is'])
    expect(box.output).toContain(part);
  for (const { output } of [list, box])
    expect(Math.max(...output.split('\n').map(width))).toBeLessThanOrEqual(80);
});

test('map has the same columns in all its parts', () => {
  const { output } = glassbox(['map']);
  const [heading = '', ...rows] = output.split('\n').filter(line => / {2}\w/.test(line));
  const at = heading.indexOf('namespaces');
  for (const row of rows) expect(row.slice(at - 1, at + 1), row).toMatch(/^ \S/);
});

test('a name that fits nothing lists what is there', () => {
  const run = glassbox(['diagnose', 'nobody', '--from', throttled]);
  expect(run.code).toBe(2);
  expect(run.errors).toMatch(/no container "nobody"\. Here are/);
});

test('explain reads in both languages, by the short name too', () => {
  expect(glassbox(['explain', 'cpu-throttled']).output).toContain('Reproduce');
  expect(glassbox(['explain', 'process/cpu-throttled', '--lang', 'zh-CN']).output).toContain('修复');
  expect(glassbox(['explain', 'cpu-throttled'], { env: { LANG: 'zh_CN.UTF-8' } }).output).toContain('修复');
});

test('map and lab list name every case', () => {
  const map = glassbox(['map']).output;
  const list = glassbox(['lab', 'list']).output;
  expect(map).toContain('cpu-throttled');
  expect(list).toContain('process/cpu-throttled');
  for (const output of [map, list])
    expect(Math.max(...output.split('\n').map(width))).toBeLessThanOrEqual(80);
});
