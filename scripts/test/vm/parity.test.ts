import { expect, test } from 'vitest';
import type { CatalogueEntry } from '../../../src/cases/entry.ts';
import { catalogue } from '../../../src/cases/index.ts';
import type { LabRun } from '../../../src/lab/runner.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { chooseForTest } from './choose.ts';
import { type LabPlace, type LabResult, labRunReader, runLabsIn } from './labs.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import { formatParity } from './parity.ts';

const id = 'memory/cgroup-oom';
const summary = 'Killed 2 times at 32 MiB of /a/b';
const labRun = (change: Partial<LabRun> = {}): LabRun => ({
  case: id,
  engine: 'bare',
  reproduced: true,
  fixed: true,
  healthySilent: true,
  figures: [{ name: 'peak', unit: 'bytes', healthy: 64 * 2 ** 20, problem: 33_333_333, fixed: null }],
  stages: {
    healthy: { says: 'fits', found: ['memory/swapping'] },
    problem: {
      says: 'does not',
      found: [id],
      verdict: { case: id, kind: 'found', severity: 'critical', certainty: 'proved', summary },
    },
  },
  seconds: 20,
  skipped: null,
  error: null,
  ...change,
});

const outcome = (cgroups: CgroupVersion, lab: { run: LabRun } | { broke: string }): Outcome =>
  outcomeOf({ case: id, kernel: '6.1', ...lab }, { cgroups, where: 'guest', commit: 'abc' });

test('each cell says how it was found with figures, why it does not apply, or why it did not hold', () => {
  const text = formatParity(
    [id],
    [
      outcome('hybrid', { run: labRun() }),
      outcome('v2', { run: labRun({ skipped: { because: 'it needs a disk', remedy: 'plug one in' } }) }),
      outcome('v1', { run: labRun({ healthySilent: false }) }),
    ],
  );
  expect(text).toContain(
    '| proved: 64 MiB, 32 MiB, – † | n/a: it needs a disk; plug one in | **no**: the healthy twin was not silent (memory/swapping) |',
  );
  expect(text).toContain('Nowhere.');
});

test('what broke the guest is told in one line, what never ran is said', () => {
  const text = formatParity([id], [outcome('v1', { broke: 'the machine: it did not boot\n    a line' })]);
  expect(text).toContain('| not run | not run | **no**: the machine: it did not boot |');
});

test('verdicts that differ in more than figures and names are told', () => {
  const saying = (certainty: string, said: string) => ({
    run: labRun({
      stages: {
        problem: { says: '', found: [], verdict: { ...verdictOf(labRun()), certainty, summary: said } },
      },
    }),
  });
  const differ = (certainty: string, said: string): string =>
    formatParity([id], [outcome('v2', { run: labRun() }), outcome('v1', saying(certainty, said))]);
  expect(differ('proved', 'Killed 1 time at 7.5 GiB of /c')).toContain('Nowhere.');
  expect(differ('likely', summary)).toContain(`- ${id}: proved on v2, likely on v1\n`);
  expect(differ('proved', 'Killed at a limit')).toContain(
    `- ${id}: only v2 says “time”; only v1 says “limit”\n`,
  );
});

const verdictOf = (run: LabRun) => {
  const verdict = run.stages.problem?.verdict;
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
};

test('a lab that ends its place fails, and the rest goes on in the next', async () => {
  const runs: (readonly string[])[] = [];
  const place: LabPlace = {
    name: 'v2',
    kernel: () => '6.1',
    async run(ids, onRun) {
      runs.push(ids);
      for (const each of ids) {
        if (each === 'b') return 'the machine ended';
        onRun({ ...labRun(), case: each });
      }
      return 'ended with 0';
    },
  };
  const results: LabResult[] = [];
  await runLabsIn(place, ['a', 'b', 'c'], lab => results.push(lab), new AbortController().signal);
  expect(runs).toEqual([['a', 'b', 'c'], ['c']]);
  expect(results).toMatchObject([
    { case: 'a', run: {} },
    { case: 'b', broke: 'the machine ended' },
    { case: 'c', run: {} },
  ]);
});

test('results are read as they come, wherever the output is cut', () => {
  const runs: LabRun[] = [];
  const read = labRunReader(run => runs.push(run));
  const output = Buffer.from(`{"version":1,"runs":[\n${JSON.stringify(labRun({ error: '…' }))},\n`);
  for (const byte of output) read(Buffer.from([byte]));
  expect(runs).toEqual([labRun({ error: '…' })]);
});

test('npm test takes every controller and every module, and not all', () => {
  const chosen = chooseForTest(catalogue);
  const entries = catalogue.filter(({ definition }) => chosen.includes(definition.id));
  const oneCpu = ({ definition, lab }: CatalogueEntry): boolean =>
    definition.id !== 'process/cpu-throttled' && !lab.needs.some(({ kind }) => kind === 'cpus');
  const groups = (of: readonly CatalogueEntry[]) =>
    new Set(
      of.filter(oneCpu).flatMap(({ definition: { id, controllers } }) => [id.split('/')[0], ...controllers]),
    );
  expect(groups(entries)).toEqual(groups(catalogue));
  expect(chosen.length).toBeLessThan(catalogue.length);
});
