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
import { definition, type HighLimitFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;

/** 36 MiB, 4 more than memory.high, at which tasks were held up so often since it was made. */
const over = (highHits: number, change: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: bytes(36 * MiB),
    limit: noLimit,
    high: present(limitOf(bytes(32 * MiB))),
    highHits,
    limitHits: present(0),
    ...change,
  });
const stalled = (share: number, change: { shared?: boolean } = {}): HighLimitFacts['pressure'] => {
  const sample = (total: number): PressureSample => {
    const some = { avg10: 0, avg60: 0, avg300: 0, total: microseconds(total) };
    return { cpu: notThere, io: notThere, memory: present({ some, full: notThere }) };
  };
  const own = level('/box/web-1', sample(5_000_000 + share * 1_000_000), sample(5_000_000));
  return present({ ...chain(own), shared: change.shared ?? false });
};
const unbounded = memorySample({ limit: noLimit, high: present(noLimit) });
const free = level('/box', unbounded, unbounded, 'v2');
const own = (last: MemorySample, first = over(5)) => level('/box/web-1', last, first, 'v2');
const held = chain(own(over(65)), free);
const asleep = process(4720, { sleeps: { looks: 20, channels: { mem_cgroup_handle_over_high: 15 } } });
const judge = (change: Partial<HighLimitFacts> = {}) =>
  rule({ ...common(), memory: held, pressure: stalled(0.9), processes: present([process()]), ...change });

describe('captured on 6.1, cgroup v2', () => {
  test('48 MiB under a memory.high of 32', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringContaining('a memory.high of 32 MiB'),
      fixes: [{ command: expect.stringMatching(/^echo max > .*\/memory\.high$/) }, {}, {}],
      excluded: [{ claim: 'Not the limit: memory.max was not met' }, {}],
    });
  });
  test('the same under 128', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
      kind: 'ruled-out',
      evidence: [{ claim: 'Nobody was held up at memory.high of 128 MiB in the window' }],
    });
  });
});

describe('held up, and for how long', () => {
  test.each([
    ['most of the time', 65, 0.9, 'critical'],
    ['some of the time', 65, 0.2, 'warning'],
    ['reclaim finds room in time', 65, 0.05, undefined],
    ['stalls for another reason', 5, 0.9, undefined],
  ])('%s', (_, hits, share, severity) => {
    const verdict = judge({ memory: chain(own(over(hits)), free), pressure: stalled(share) });
    if (severity === undefined) expect(verdict.kind).toBe('ruled-out');
    else expect(verdict).toMatchObject({ kind: 'found', severity, certainty: 'proved' });
  });
  test('a counter that went back is nothing seen', () => {
    expect(judge({ memory: chain(own(over(1), over(900))) }).kind).toBe('ruled-out');
  });
  test('without PSI of its own the looks at sleeping tasks tell', () => {
    for (const pressure of [notThere, stalled(0.9, { shared: true })]) {
      expect(judge({ pressure, processes: present([asleep]) })).toMatchObject({
        severity: 'critical',
        evidence: [{}, {}, { observed: 'mem_cgroup_handle_over_high 15' }, {}],
      });
      expect(judge({ pressure })).toMatchObject({ kind: 'inconclusive' });
    }
  });
});

describe('whose memory.high', () => {
  const above = chain(
    level('/box/web-1', over(0, { high: present(noLimit) }), over(0, { high: present(noLimit) }), 'v2'),
    level('/box', over(90), over(5), 'v2'),
  );
  test('one above: a neighbour may have filled it, unless it was seen asleep for it', () => {
    expect(judge({ memory: above })).toMatchObject({
      certainty: 'likely',
      summary: expect.stringContaining('/box (a cgroup above it) uses 36 MiB'),
      fixes: [{ command: expect.stringContaining('/box/memory.high') }, {}, {}],
    });
    expect(judge({ memory: above, processes: present([asleep]) })).toMatchObject({ certainty: 'proved' });
  });
  test('none, or cgroup v1', () => {
    expect(judge({ memory: chain(free) })).toMatchObject({ evidence: [{ observed: 'max' }] });
    const v1 = chain(level('/box/web-1', memorySample({ high: notThere }), undefined, 'v1'));
    expect(judge({ memory: v1 })).toMatchObject({ kind: 'ruled-out', evidence: [{ observed: 'v1' }] });
  });
});

test('what there is to take decides what is said of it', () => {
  const of = (anonymous: number) =>
    judge({
      memory: chain(own(over(65, { breakdown: present(breakdown({ anonymous: bytes(anonymous * MiB) })) }))),
    });
  expect(of(30)).toMatchObject({
    summary: expect.stringContaining('30 MiB of it is memory of its processes'),
  });
  expect(JSON.stringify(of(2))).not.toContain('memory of its processes');
});

test('pages that come back are told with it', () => {
  const returning = over(65, { breakdown: present(breakdown({ fileRefaults: present(2000) })) });
  const first = over(5, { breakdown: present(breakdown({ fileRefaults: present(0) })) });
  expect(judge({ memory: chain(own(returning, first)) })).toMatchObject({
    evidence: [{}, {}, {}, { claim: expect.stringContaining('Waits for pages that come back') }],
  });
});

test('without a limit it is raised; in a pod the kubelet sets it', () => {
  expect(judge()).toMatchObject({ fixes: [{ command: expect.stringMatching(/^echo \d+ > /) }, {}, {}] });
  const pod = { namespace: 'shop', name: 'web', container: 'web', uid: 'u' };
  const { fixes } = judge({ container: container({ pod }) }) as { fixes: readonly object[] };
  expect(fixes).toEqual([
    expect.objectContaining({ action: expect.stringContaining('MemoryQoS') }),
    expect.not.objectContaining({ command: expect.anything() }),
  ]);
});
