import { expect, test } from 'vitest';
import type { CatalogueEntry } from '../../../src/cases/entry.ts';
import { catalogue } from '../../../src/cases/index.ts';
import type { LabRun } from '../../../src/lab/runner.ts';
import { chooseForTest } from './choose.ts';
import { formatParity } from './parity.ts';

const run = (change: Partial<LabRun> = {}): { case: string; run: LabRun } => ({
  case: 'memory/cgroup-oom',
  run: {
    case: 'memory/cgroup-oom',
    engine: 'bare',
    reproduced: true,
    fixed: true,
    healthySilent: true,
    figures: [{ name: 'peak', unit: 'bytes', healthy: 64 * 2 ** 20, problem: 33_333_333, fixed: null }],
    stages: { healthy: { says: 'fits', found: ['memory/swapping'] } },
    seconds: 20,
    skipped: null,
    error: null,
    ...change,
  },
});

test('each cell says yes with figures, why it does not apply, or why it did not hold', () => {
  const text = formatParity(['memory/cgroup-oom'], {
    hybrid: [run()],
    v2: [run({ skipped: { because: 'it needs a disk', remedy: 'plug one in' } })],
    v1: [run({ healthySilent: false })],
  });
  expect(text).toContain('| yes: 64 MiB, 32 MiB, – | n/a | no |');
  expect(text).toContain('- memory/cgroup-oom on v2: it needs a disk (plug one in)');
  expect(text).toContain('- memory/cgroup-oom on v1: the healthy twin was not silent (memory/swapping)');
});

test('what broke the guest is told in one line, what never ran is said', () => {
  const broke = { case: 'memory/cgroup-oom', broke: 'the virtual machine: it did not boot\n    a line' };
  const text = formatParity(['memory/cgroup-oom'], { v1: [broke] });
  expect(text).toContain('| not run | not run | no |');
  expect(text).toContain('- memory/cgroup-oom on v1: the virtual machine: it did not boot\n');
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
