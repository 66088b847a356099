import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  container,
  level,
  memorySample,
  notThere,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemoryBreakdown, MemorySample, PressureSample } from '../../../linux/cgroup/model.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { bytes, limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import { definition, type PageCacheFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);

/** 62 of 64 MiB in use, 56 of them clean file pages. */
const cached = (change: Partial<MemoryBreakdown> = {}, sample: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: mebibytes(62),
    limitHits: present(117),
    peak: present(mebibytes(64)),
    breakdown: present(
      breakdown({ file: mebibytes(56), inactiveFile: mebibytes(40), activeFile: mebibytes(16), ...change }),
    ),
    ...sample,
  });
const unlimited = level('/box', memorySample({ limit: noLimit }));

const stalls = (path: string, share: number): PageCacheFacts['pressure'] => {
  const pressure = (total: number): PressureSample => {
    const some = { avg10: 0, avg60: 0, avg300: 0, total: microseconds(total) };
    return { cpu: notThere, io: notThere, memory: present({ some, full: notThere }) };
  };
  return present(chain(level(path, pressure(5_000_000 + share * 1_000_000), pressure(5_000_000))));
};

const judge = (last: MemorySample, first = last, change: Partial<PageCacheFacts> = {}) =>
  rule({
    ...common(),
    memory: chain(level('/box/web-1', last, first), unlimited),
    pressure: notThere,
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('a limit full of cache is a notice', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'notice',
      summary: expect.stringContaining('Nothing is wrong'),
    });
  });
  test('the healthy twin is far below its limit', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

test.each<[string, MemorySample]>([
  ['far below the limit', cached({}, { usage: mebibytes(40) })],
  ['full of processes', cached({ inactiveFile: mebibytes(4), activeFile: mebibytes(2) })],
  ['full of pages that must be written first', cached({ dirty: mebibytes(30), writeback: mebibytes(10) })],
  ['the limit was never met', cached({}, { limitHits: present(0) })],
  ['without a limit', cached({}, { limit: noLimit })],
])('%s: ruled out', (_, sample) => {
  expect(judge(sample).kind).toBe('ruled-out');
});

test('a kernel that counts no hits does not hide it', () => {
  expect(judge(cached({}, { limitHits: notThere })).kind).toBe('found');
});

test('a kill in the window belongs to another case', () => {
  expect(judge(cached({}, { oomKills: present(1) }), cached()).kind).toBe('ruled-out');
});

test('an old kill does not', () => {
  const sample = cached({}, { oomKills: present(1) });
  expect(judge(sample)).toMatchObject({ kind: 'found', severity: 'notice' });
});

describe('it hurts', () => {
  const refaults = (pages: number, windowMs = 1000) =>
    judge(cached({ fileRefaults: present(9000 + pages) }), cached({ fileRefaults: present(9000) }), {
      windowMs,
    });
  test.each([
    [0, 1000, 'notice'],
    [255, 1000, 'notice'],
    [256, 1000, 'warning'],
    [256, 10_000, 'notice'],
  ])('%d refaults in %d ms: %s', (pages, windowMs, severity) => {
    expect(refaults(pages, windowMs)).toMatchObject({ severity });
  });
  test('and then the first fix is more memory, with its figure', () => {
    expect(refaults(5120)).toMatchObject({
      summary: expect.stringContaining('20 MiB per second come back from the disk'),
      fixes: [{ command: expect.stringMatching(/^echo 100663296 > .*limit_in_bytes$/) }, {}],
    });
  });
  test.each<[string, Reading<never> | PageCacheFacts['pressure'], string]>([
    ['a tenth of the time', stalls('/box/web-1', 0.1), 'warning'],
    ['a hundredth', stalls('/box/web-1', 0.01), 'notice'],
    ["the host's own pressure", stalls('/', 0.9), 'notice'],
    ['unknown', absent('memory.pressure', 'disabled', 'boot with psi=1'), 'notice'],
  ])('memory pressure: %s', (_, pressure, severity) => {
    expect(judge(cached(), cached(), { pressure })).toMatchObject({ severity });
  });
  test('pages that come back from a disk so fast that nobody waits do not hurt', () => {
    const again = (pressure: PageCacheFacts['pressure']) =>
      judge(cached({ fileRefaults: present(30_000) }), cached({ fileRefaults: present(9000) }), { pressure });
    expect(again(stalls('/box/web-1', 0.002))).toMatchObject({
      severity: 'notice',
      summary: expect.stringContaining('hardly anything waits'),
    });
    expect(again(stalls('/box/web-1', 0.02))).toMatchObject({ severity: 'warning' });
    expect(again(stalls('/', 0))).toMatchObject({ severity: 'warning' });
  });
  test("the pressure of a shared cgroup is not the container's", () => {
    const pressure = stalls('/session', 0.5);
    if (!pressure.present) throw new Error('a builder of this test');
    const shared = present({ ...pressure.value, shared: true });
    expect(judge(cached(), cached(), { pressure: shared })).toMatchObject({ severity: 'notice' });
  });
  test('refaults that cannot be read are said', () => {
    expect(judge(cached({ fileRefaults: notThere }))).toMatchObject({
      summary: expect.stringContaining('could not be measured'),
    });
  });
});

test("a parent's limit, also while the own one is far away", () => {
  const own = level('/box/web-1', cached({}, { limit: limitOf(mebibytes(512)) }));
  const parent = level('/box', cached());
  expect(rule({ ...common(), memory: chain(own, parent), pressure: notThere })).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('/box (a cgroup above it)'),
  });
});

test('v2 names its own files, a pod its spec', () => {
  const own = level('/kubepods/x', cached(), cached(), 'v2');
  const pod = container({ pod: { namespace: 'shop', name: 'web-1', container: 'app' } });
  const verdict = rule({ ...common({ container: pod }), memory: chain(own), pressure: notThere });
  expect(JSON.stringify(verdict)).toContain('/kubepods/x/memory.current');
  expect(JSON.stringify(verdict)).toContain('resources.limits.memory of app');
  expect(JSON.stringify(verdict)).not.toContain('"command"');
});

test('a cgroup that strangers share is not called its own', () => {
  const memory = { ...chain(level('/session', cached())), shared: true };
  expect(rule({ ...common(), memory, pressure: notThere })).toMatchObject({
    summary: expect.stringMatching(/^\/session \(shared with others\) .* it and others there/),
  });
});

test('at the limit without memory.stat it cannot be said', () => {
  expect(judge(cached({}, { breakdown: notThere })).kind).toBe('inconclusive');
});
