import { describe, expect, test } from 'vitest';
import { chain, common, level, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { HugetlbSample } from '../../../linux/cgroup/model.ts';
import type { HugePagePool } from '../../../linux/mm/hugepages.ts';
import { absent, present } from '../../../linux/reading.ts';
import { bytes, limitOf, noLimit } from '../../../linux/units.ts';
import { definition, type HugePagesExhaustedFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
type Size = HugetlbSample['sizes'][number];
const pages = (change: Partial<Size> = {}): HugetlbSample => ({
  sizes: [
    { size: '2MB', usage: bytes(4 * MiB), limit: limitOf(bytes(8 * MiB)), failures: 0, ...change },
    { size: '1GB', usage: bytes(0), limit: noLimit, failures: 0 },
  ],
});
const pool = (change: Partial<HugePagePool> = {}): HugePagePool => ({
  size: '2MB',
  pageSize: bytes(2 * MiB),
  total: 16,
  free: 10,
  reserved: 0,
  surplus: 0,
  mayGrowBy: 0,
  ...change,
});
const root = level('/', pages({ limit: noLimit, usage: bytes(0) }));
const judge = (
  first: Partial<Size>,
  last: Partial<Size>,
  {
    version = 'v1' as 'v1' | 'v2',
    ...change
  }: Partial<HugePagesExhaustedFacts> & { version?: 'v1' | 'v2' } = {},
) =>
  rule({
    ...common(),
    processes: [process()],
    hugetlb: present(chain(level('/box/web-1', pages(last), pages(first), version), root)),
    hugePagePools: present([pool()]),
    ...change,
  });

describe('captured on 6.18, hugetlb on cgroup v2 of a hybrid host', () => {
  test('a worker that wants 4 pages and may have 2', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringContaining('its own limit allows 4 MiB'),
      fixes: [{ command: expect.stringMatching(/^echo 8388608 > .*hugetlb\.2MB\.max$/) }, {}],
    });
  });
  test('one that may have 4', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('refusals', () => {
  test('in the window', () => {
    expect(judge({ failures: 3 }, { failures: 7 })).toMatchObject({
      severity: 'critical',
      summary: expect.stringContaining('4 requests'),
      excluded: [{ claim: "Not the host's pool: 10 of 16 pages are free" }],
    });
  });
  test('long ago, by a limit that still stands', () => {
    expect(judge({ failures: 3 }, { failures: 3, peak: bytes(8 * MiB) })).toMatchObject({
      severity: 'warning',
      certainty: 'proved',
    });
  });
  test('long ago, and the limit has been raised since', () => {
    const raised = { failures: 3, peak: bytes(4 * MiB) };
    expect(judge(raised, raised).kind).toBe('ruled-out');
  });
  test('a counter that went back is no refusal in the window', () => {
    expect(judge({ failures: 9 }, { failures: 3 })).toMatchObject({ severity: 'warning' });
  });
  test.each([
    ['v1', { failures: 0, reserved: { usage: bytes(0), limit: limitOf(bytes(4 * MiB)), failures: 2 } }],
    ['v2', { failures: 2, limit: noLimit, reserved: { usage: bytes(0), limit: limitOf(bytes(4 * MiB)) } }],
  ] as const)('of reservations, which kill nobody (%s)', (version, last) => {
    expect(judge({}, last, { version })).toMatchObject({
      summary: expect.stringContaining('ENOMEM'),
      evidence: [{}, { source: expect.stringContaining('rsvd'), observed: String(4 * MiB) }, {}],
    });
  });
  test('in a cgroup with strangers: likely at most', () => {
    const own = level('/session', pages({ failures: 4 }), pages());
    const hugetlb = present({ ...chain(own, root), shared: true });
    expect(judge({}, {}, { hugetlb })).toMatchObject({ certainty: 'likely' });
  });
});

describe('a limit above', () => {
  const under = (version: 'v1' | 'v2', own: Partial<Size>, above: Partial<Size>) => {
    const tight = { limit: limitOf(bytes(2 * MiB)), ...above };
    return judge(
      {},
      {},
      {
        hugetlb: present(
          chain(
            level('/box/web-1', pages({ limit: noLimit, ...own }), pages({ limit: noLimit }), version),
            level('/box', pages(tight), pages({ ...tight, failures: 0 }), version),
            root,
          ),
        ),
      },
    );
  };
  test('v1 counts where the limit is, so the refusal may be a neighbour’s', () => {
    expect(under('v1', {}, { failures: 2 })).toMatchObject({ certainty: 'likely' });
    expect(under('v1', { usage: bytes(0) }, { failures: 2 }).kind).toBe('ruled-out');
  });
  test('v2 counts where the task is', () => {
    expect(under('v2', { failures: 2 }, { failures: 2 })).toMatchObject({
      certainty: 'proved',
      summary: expect.stringContaining('the limit of /box, above it, allows 2 MiB'),
    });
    expect(under('v2', {}, { failures: 2 }).kind).toBe('ruled-out');
  });
});

describe('the pool', () => {
  const holding = process(4711, {
    status: {
      memory: present({
        resident: bytes(MiB),
        residentAnonymous: bytes(MiB),
        residentFile: bytes(0),
        residentShared: bytes(0),
        swapped: bytes(0),
        hugePages: bytes(4 * MiB),
      }),
    },
  });
  test.each([
    ['no pool', pool({ total: 0, free: 0 }), 'ruled-out'],
    ['pages left', pool(), 'ruled-out'],
    ['all promised', pool({ free: 4, reserved: 4 }), 'inconclusive'],
    ['all promised, more may be made', pool({ free: 4, reserved: 4, mayGrowBy: 2 }), 'ruled-out'],
  ])('%s: %s', (_, state, kind) => {
    expect(judge({}, {}, { hugePagePools: present([state]), processes: [holding] }).kind).toBe(kind);
  });
  test('used up, but not by this container', () => {
    expect(judge({}, {}, { hugePagePools: present([pool({ free: 0 })]) }).kind).toBe('ruled-out');
  });
  test('an old observation does not hold it', () => {
    expect(judge({}, {}, { hugePagePools: notThere }).kind).toBe('inconclusive');
  });
  test('a host without the controller has no limit that could refuse', () => {
    expect(judge({}, {}, { hugetlb: notThere }).kind).toBe('ruled-out');
    const gone = absent('the hugetlb cgroup', 'vanished', 'look again');
    expect(judge({}, {}, { hugetlb: gone }).kind).toBe('inconclusive');
  });
});
