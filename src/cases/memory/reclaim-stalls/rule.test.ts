import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  level,
  memorySample,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemorySample, PressureSample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import { bytes, limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import type { Traced } from '../../../trace/results.ts';
import { definition, type ReclaimStallsFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;

/** 60 of 64 MiB, of which so much is being written, with so many charges refused since it was made. */
const full = (hits: number, written = 0, change: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: bytes(60 * MiB),
    limitHits: present(hits),
    breakdown: present(breakdown({ writeback: bytes(written * MiB) })),
    ...change,
  });
const stalled = (share: number, change: { path?: string; shared?: boolean } = {}) => {
  const sample = (total: number): PressureSample => {
    const some = { avg10: 0, avg60: 0, avg300: 0, total: microseconds(total) };
    return { cpu: notThere, io: notThere, memory: present({ some, full: notThere }) };
  };
  const own = level(change.path ?? '/box/web-1', sample(5_000_000 + share * 1_000_000), sample(5_000_000));
  return present({ ...chain(own), shared: change.shared ?? false });
};
const unlimited = level('/box', memorySample({ limit: noLimit }));
const memoryOf = (last: MemorySample, first = full(5), version: 'v1' | 'v2' = 'v1') =>
  chain(level('/box/web-1', last, first, version), unlimited);
const sleeping = process(4720, {
  sleeps: { looks: 40, channels: { folio_wait_bit: 31 }, reclaiming: 29 },
});
const judge = (change: Partial<ReclaimStallsFacts> = {}) =>
  rule({
    ...common(),
    memory: memoryOf(full(400)),
    pressure: stalled(0.6),
    processes: present([process(), sleeping]),
    traced: notThere,
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('a writer under 20 MiB on a disk of 8 MiB per second', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringContaining('on cgroup v1 the task that charges waits for the disk itself'),
    });
  });
  test('the same under 192 MiB', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('three things together', () => {
  test.each([
    ['hits and long stalls', 400, 0.6, 'critical'],
    ['hits and some stalls', 400, 0.2, 'warning'],
    ['hits, and hardly a stall', 400, 0.05, undefined],
    ['stalls, and no limit met', 5, 0.6, undefined],
  ])('%s', (_, hits, share, severity) => {
    const verdict = judge({ memory: memoryOf(full(hits)), pressure: stalled(share) });
    if (severity === undefined) expect(verdict.kind).toBe('ruled-out');
    else expect(verdict).toMatchObject({ kind: 'found', severity });
  });
  test('waits for pages that come back are other cases’', () => {
    const returning = { breakdown: present(breakdown({ fileRefaults: present(2000) })) };
    expect(judge({ memory: memoryOf(full(400, 0, returning)) }).kind).toBe('ruled-out');
    const swapped = { breakdown: present(breakdown({ anonymousRefaults: 2000 })) };
    expect(judge({ memory: memoryOf(full(400, 0, swapped)) }).kind).toBe('ruled-out');
  });
  test('a counter that went back is no hit', () => {
    expect(judge({ memory: memoryOf(full(1), full(400)) }).kind).toBe('ruled-out');
  });
});

describe('how sure', () => {
  test('nobody was seen asleep in reclaim: likely', () => {
    expect(judge({ processes: present([process()]) })).toMatchObject({ certainty: 'likely' });
    expect(judge({ processes: notThere })).toMatchObject({ certainty: 'likely' });
  });
  test('without PSI of its own the looks at sleeping tasks tell', () => {
    for (const pressure of [notThere, stalled(0.6, { shared: true }), stalled(0.6, { path: '/' })]) {
      expect(judge({ pressure })).toMatchObject({ kind: 'found', severity: 'critical', certainty: 'proved' });
      expect(judge({ pressure, processes: present([process()]) }).kind).toBe('inconclusive');
    }
    const once = process(4720, { sleeps: { looks: 40, channels: {}, reclaiming: 1 } });
    expect(judge({ pressure: notThere, processes: present([once]) }).kind).toBe('ruled-out');
  });
  test('unless no limit was met', () => {
    expect(judge({ pressure: notThere, memory: memoryOf(full(5)) }).kind).toBe('ruled-out');
  });
  test('the root has no limit', () => {
    expect(judge({ memory: chain(level('/', full(400), full(5))) }).kind).toBe('ruled-out');
  });
});

describe('with diagnose --deep', () => {
  const traced = (count: number, us: number): ReclaimStallsFacts['traced'] => {
    const sums = { times: { counts: [] }, count, us, longestUs: us / 2, pages: 900, failed: 1 };
    const waiter = {
      pid: 4720,
      name: 'dd',
      for: 'cgroup' as const,
      pages: 900,
      count,
      us,
      longestUs: us / 2,
    };
    const common = { engine: 'ebpf' as const, lost: 0, ended: 'time' as const, seconds: 1 };
    return present({
      reclaim: present({ ...common, cgroup: sums, machine: sums, waiters: count === 0 ? [] : [waiter] }),
    } as unknown as Traced);
  };
  const alone = present([process()]);
  test('likely becomes proved, and who waited is named', () => {
    expect(judge({ processes: alone, traced: traced(40, 700_000) })).toMatchObject({
      certainty: 'proved',
      evidence: [
        {},
        {},
        { observed: expect.stringContaining('900 pages freed') },
        { claim: 'dd waited 700 ms for room' },
      ],
    });
  });
  test('or is ruled out', () => {
    expect(judge({ processes: alone, traced: traced(0, 0) }).kind).toBe('ruled-out');
    expect(judge({ traced: traced(0, 0) }).kind).toBe('found');
  });
  test('it stands in for PSI', () => {
    const without = { pressure: notThere, processes: alone };
    expect(judge({ ...without, traced: traced(40, 700_000) })).toMatchObject({ severity: 'critical' });
    expect(judge({ ...without, traced: traced(40, 7000) }).kind).toBe('ruled-out');
  });
});

describe('which bound', () => {
  test('a limit above', () => {
    const own = level('/box/web-1', full(0, 0, { limit: noLimit }));
    const verdict = judge({ memory: chain(own, level('/box', full(90), full(5))) });
    expect(verdict).toMatchObject({
      summary: expect.stringContaining('/box (a cgroup above it) is full'),
      fixes: [{ command: expect.stringContaining('/box/memory.limit_in_bytes') }, {}],
    });
  });
  test('memory.high is another case’s', () => {
    const held = (highHits: number) =>
      full(0, 20, { highHits, limitHits: present(0), high: present(limitOf(bytes(60 * MiB))) });
    expect(judge({ memory: memoryOf(held(70), held(10), 'v2') }).kind).toBe('ruled-out');
  });
  test('the limit of v2, whose writers do not wait for write-back', () => {
    const verdict = judge({ memory: memoryOf(full(400, 20), full(5), 'v2') });
    expect(verdict.kind).toBe('found');
    expect(JSON.stringify(verdict)).not.toContain('on cgroup v1');
  });
  test('hits that are not counted, where memory and swap are limited alike', () => {
    const uncounted = { limitHits: absent('memory.failcnt', 'disabled', '') };
    const at = full(0, 0, uncounted);
    expect(judge({ memory: memoryOf(at, at) }).kind).toBe('found');
    const below = full(0, 0, { ...uncounted, usage: bytes(20 * MiB) });
    expect(judge({ memory: memoryOf(below, below) }).kind).toBe('ruled-out');
  });
  test('write-back is named where there is some', () => {
    expect(judge({ memory: memoryOf(full(400, 30)) })).toMatchObject({
      summary: expect.stringContaining('30 MiB of it are dirty'),
    });
    expect(JSON.stringify(judge({ memory: memoryOf(full(400, 2)) }))).not.toContain('dirty');
  });
});
