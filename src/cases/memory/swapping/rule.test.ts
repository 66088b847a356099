import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  container,
  level,
  memorySample,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemorySample, PressureSample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import { definition, type SwappingFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);
const pages = (mebibytesBack: number) => mebibytesBack * 256;

/** 64 of 64 MiB in use and 30 more in swap, of which so much has come back since it was made. */
const swapping = (back: number | undefined, change: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: mebibytes(64),
    swap: present({ usage: mebibytes(30), limitMeans: 'memory-and-swap', limit: limitOf(mebibytes(256)) }),
    breakdown: present(breakdown(back === undefined ? {} : { anonymousRefaults: 5000 + pages(back) })),
    ...change,
  });
const unlimited = level('/box', memorySample({ limit: noLimit }));
const stalls = (share: number, path = '/box/web-1'): SwappingFacts['pressure'] => {
  const sample = (total: number): PressureSample => {
    const some = { avg10: 0, avg60: 0, avg300: 0, total: microseconds(total) };
    return { cpu: notThere, io: notThere, memory: present({ some, full: notThere }) };
  };
  return present(chain(level(path, sample(5_000_000 + share * 1_000_000), sample(5_000_000))));
};
const judge = (
  back: number | undefined,
  sample: Partial<MemorySample> = {},
  change: Partial<SwappingFacts> = {},
) =>
  rule({
    ...common(),
    memory: chain(level('/box/web-1', swapping(back, sample), swapping(0, sample)), unlimited),
    pressure: notThere,
    processes: notThere,
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('96 MiB in use under a limit of 80', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      certainty: 'proved',
      summary: expect.stringContaining('Its own cgroup is full'),
      fixes: [{ command: expect.stringMatching(/^echo \d+ > .*limit_in_bytes$/) }, {}],
    });
  });
  test('the same under 224', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('what comes back counts, not what lies in swap', () => {
  test.each([
    [0, 1000, 'ruled-out'],
    [0.9, 1000, 'ruled-out'],
    [1, 1000, 'found'],
    [1, 2000, 'ruled-out'],
    [40, 1000, 'found'],
  ])('%d MiB in %d ms: %s', (back, windowMs, kind) => {
    expect(judge(back, {}, { windowMs }).kind).toBe(kind);
  });
  test('a kernel that does not count it cannot clear a container that is swapped', () => {
    expect(judge(undefined).kind).toBe('inconclusive');
  });
  test('but one that is not swapped is clear', () => {
    const swap = present({ usage: bytes(0), limitMeans: 'swap' as const, limit: noLimit });
    expect(judge(undefined, { swap }).kind).toBe('ruled-out');
  });
  test('a counter that went back is no rate', () => {
    const memory = chain(level('/box/web-1', swapping(0), swapping(40)), unlimited);
    expect(judge(0, {}, { memory }).kind).toBe('inconclusive');
  });
  test('swap that is not accounted hides nothing', () => {
    expect(judge(40, { swap: notThere }).kind).toBe('found');
  });
  test('without memory.stat it cannot be said', () => {
    expect(judge(40, { breakdown: notThere }).kind).toBe('inconclusive');
  });
  test("the root's counters are the whole host's", () => {
    const memory = chain(level('/', swapping(40), swapping(0)));
    expect(judge(40, {}, { memory }).kind).toBe('ruled-out');
  });
});

describe('severity is how long tasks waited', () => {
  test.each([
    [stalls(0.3), 'critical'],
    [stalls(0.1), 'warning'],
    [notThere, 'warning'],
    [stalls(0.9, '/'), 'warning'],
  ])('%#', (pressure, severity) => {
    expect(judge(40, {}, { pressure })).toMatchObject({ severity });
  });
});

describe('whose limit it is', () => {
  const roomy = { limit: limitOf(mebibytes(512)) };
  const under = (parent: Partial<MemorySample>) =>
    judge(40, roomy, {
      memory: chain(
        level('/box/web-1', swapping(40, roomy), swapping(0, roomy)),
        level('/box', swapping(40, parent)),
      ),
    });
  test("a parent's", () => {
    expect(under({})).toMatchObject({
      summary: expect.stringContaining('/box (a cgroup above it) is full (64 MiB of 64 MiB)'),
      fixes: [{ action: expect.stringContaining('memory limit of /box (a cgroup above it)') }, {}],
    });
  });
  test("nobody's: the host is short", () => {
    expect(under({ limit: noLimit })).toMatchObject({
      summary: expect.stringContaining('it is the host that is short of memory'),
      fixes: [{ action: expect.stringContaining('Give the host more memory') }, {}],
    });
  });
  test('memory.high of cgroup v2, far below the limit', () => {
    const high = { ...roomy, high: present(limitOf(mebibytes(64))) };
    expect(judge(40, high)).toMatchObject({
      summary: expect.stringContaining('64 MiB of 64 MiB'),
      fixes: [{ command: expect.stringMatching(/^echo \d+ > .*memory\.high$/) }, {}],
    });
  });
});

test('the new limit holds what is in memory and what is in swap', () => {
  const swap = present({
    usage: mebibytes(300),
    limitMeans: 'memory-and-swap' as const,
    limit: limitOf(mebibytes(512)),
  });
  const verdict = judge(40, { swap });
  const wanted =
    verdict.kind === 'found' ? Number(/echo (\d+)/.exec(verdict.fixes[0]?.command ?? '')?.[1]) : 0;
  expect(wanted).toBeGreaterThanOrEqual(364 * MiB);
});

test("a pod's limit belongs into its spec", () => {
  const pod = { namespace: 'shop', name: 'web-0', container: 'web' };
  const verdict = judge(40, {}, { container: container({ pod }) });
  expect(verdict).toMatchObject({ fixes: [{ action: expect.stringContaining('of web to') }] });
  expect(JSON.stringify(verdict)).not.toContain('"command"');
});

describe('a cgroup with strangers in it', () => {
  const memory = {
    ...chain(level('/session', swapping(40), swapping(0)), unlimited),
    shared: true,
  };
  const holding = (swapped: number) =>
    process(4711, {
      status: {
        memory: present({
          resident: mebibytes(4),
          residentAnonymous: mebibytes(4),
          residentFile: bytes(0),
          residentShared: bytes(0),
          swapped: mebibytes(swapped),
        }),
      },
    });
  test.each([
    [0, 'ruled-out'],
    [3, 'found'],
  ])('%d MiB of its own are swapped: %s', (swapped, kind) => {
    const verdict = judge(40, {}, { memory, processes: present([holding(swapped)]) });
    expect(verdict.kind).toBe(kind);
    if (verdict.kind === 'found') expect(verdict.certainty).toBe('likely');
  });
});
