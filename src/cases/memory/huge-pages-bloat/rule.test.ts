import { describe, expect, test } from 'vitest';
import { breakdown, chain, common, level, memorySample, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemorySample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, hostPid, limitOf } from '../../../linux/units.ts';
import type { HugeMemory } from '../../../observe/huge-memory.ts';
import { definition, type HugePagesBloatFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);

const holding = (huge: number, anonymous: number, change: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: mebibytes(anonymous + 8),
    limit: limitOf(mebibytes(1024)),
    breakdown: present(
      breakdown({ anonymous: mebibytes(anonymous), anonymousHuge: present(mebibytes(huge)) }),
    ),
    ...change,
  });
const sample = (huge: number, looked: number, empty: number, pid = 4711): HugeMemory => ({
  pid: hostPid(pid),
  anonymousHuge: mebibytes(huge),
  looked,
  empty,
});
const judge = (
  memory: MemorySample,
  hugeMemory: readonly HugeMemory[],
  change: Partial<HugePagesBloatFacts> = {},
) =>
  rule({
    ...common(),
    memory: chain(level('/box/web-1', memory)),
    hugeMemory: present(hugeMemory),
    transparentHugePages: present('madvise'),
    processes: notThere,
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('an allocator that asks for huge pages, and a program that touches little', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'notice',
      certainty: 'likely',
      summary: expect.stringMatching(/^About 93.6 MiB of its 139 MiB are empty/),
    });
  });
  test('the same with small pages', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('empty, not merely huge', () => {
  test.each([
    ['nearly all empty', 100, 120, 8192, 8000, 'found'],
    ['a heap that is used', 100, 120, 8192, 100, 'ruled-out'],
    ['half of it', 100, 120, 8192, 4096, 'found'],
    ['little beside the rest', 100, 2000, 8192, 8000, 'ruled-out'],
    ['few huge pages', 8, 10, 2048, 2048, 'ruled-out'],
    ['too few looked at', 100, 120, 1024, 1024, 'ruled-out'],
  ])('%s', (_, huge, anonymous, looked, empty, kind) => {
    expect(judge(holding(huge, anonymous), [sample(huge, looked, empty)]).kind).toBe(kind);
  });
  test('of several processes the sum counts', () => {
    const two = [sample(60, 4096, 4000, 1), sample(60, 4096, 0, 2)];
    expect(judge(holding(120, 130), two)).toMatchObject({
      kind: 'found',
      summary: expect.stringMatching(/^About 58\.6 MiB/),
    });
  });
  test('nobody could be looked at', () => {
    expect(judge(holding(100, 120), []).kind).toBe('ruled-out');
    expect(judge(holding(100, 120), [], { hugeMemory: notThere }).kind).toBe('inconclusive');
    expect(judge(holding(8, 120), [], { hugeMemory: notThere }).kind).toBe('ruled-out');
  });
  test('without memory.stat, or on a kernel that does not count them', () => {
    expect(judge(holding(100, 120, { breakdown: notThere }), []).kind).toBe('inconclusive');
    const uncounted = present(breakdown({ anonymousHuge: notThere }));
    expect(judge(holding(100, 120, { breakdown: uncounted }), []).kind).toBe('inconclusive');
  });
});

describe('how bad it is', () => {
  const empty = [sample(100, 8192, 8000)];
  test('the limit is near', () => {
    expect(judge(holding(100, 120, { limit: limitOf(mebibytes(130)) }), empty)).toMatchObject({
      severity: 'warning',
    });
  });
  test('the limit was met in the window', () => {
    const memory = chain(
      level(
        '/box/web-1',
        holding(100, 120, { limitHits: present(7) }),
        holding(100, 120, { limitHits: present(4) }),
      ),
    );
    expect(judge(holding(100, 120), empty, { memory })).toMatchObject({ severity: 'warning' });
  });
  test('the policy of the host decides what can be done', () => {
    const always = judge(holding(100, 120), empty, { transparentHugePages: present('always') });
    expect(always).toMatchObject({
      summary: expect.stringContaining('(always)'),
      fixes: [{}, { command: 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' }, {}],
    });
  });
});
