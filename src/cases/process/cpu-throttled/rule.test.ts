import { expect, test } from 'vitest';
import { cgroupOf } from '../../../../test/support/cgroup.ts';
import {
  chain,
  common,
  container,
  cpuSample,
  level,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Level } from '../../../diagnose/facts.ts';
import { readCpu } from '../../../linux/cgroup/cpu.ts';
import type { CgroupVersion, CpuSample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import { limitOf, microseconds } from '../../../linux/units.ts';
import type { Traced } from '../../../trace/results.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

interface Moved {
  readonly quotaMs?: number;
  readonly periodMs?: number;
  readonly usedMs: number;
  readonly periods: number;
  readonly throttled: number;
  readonly throttledMs?: number;
}

const base = { usage: 7_000_000, periods: 900, throttled: 102, throttledTime: 5_000_000 };

/** A level with a quota whose counters moved like this in the window. */
function limited(path: string, moved: Moved, version: CgroupVersion = 'v1'): Level<CpuSample> {
  const quota = present({
    quota: limitOf(microseconds((moved.quotaMs ?? 50) * 1000)),
    period: microseconds((moved.periodMs ?? 100) * 1000),
    burst: present(microseconds(0)),
  });
  const sample = (part: number): CpuSample =>
    cpuSample({
      quota,
      usage: present(microseconds(base.usage + part * moved.usedMs * 1000)),
      throttling: present({
        periods: base.periods + part * moved.periods,
        throttledPeriods: base.throttled + part * moved.throttled,
        throttledTime: microseconds(
          base.throttledTime + part * (moved.throttledMs ?? moved.throttled * 70) * 1000,
        ),
      }),
    });
  return level(path, sample(1), sample(0), version);
}

const used = (path: string, ms: number): Level<CpuSample> =>
  level(
    path,
    cpuSample({ usage: present(microseconds(ms * 1000)) }),
    cpuSample({ usage: present(microseconds(0)) }),
  );

const judge = (own: Level<CpuSample>, ...ancestors: readonly Level<CpuSample>[]) =>
  rule({
    ...common(),
    cpu: chain(own, ...ancestors),
    cpuset: notThere,
    processes: notThere,
    traced: notThere,
  });

test.each<[string, Moved, string]>([
  ['the bursts of the lab', { usedMs: 350, periods: 10, throttled: 4 }, 'critical'],
  ['a third of the periods close to the limit', { usedMs: 440, periods: 10, throttled: 3 }, 'critical'],
  ['two cuts of twelve close to the limit', { usedMs: 440, periods: 12, throttled: 2 }, 'warning'],
  [
    'cut at the very end of its periods',
    { usedMs: 350, periods: 10, throttled: 4, throttledMs: 3 },
    'notice',
  ],
  ['one cut only', { usedMs: 300, periods: 10, throttled: 1 }, 'notice'],
  ['CPU-bound at its quota, by design', { usedMs: 499, periods: 10, throttled: 10 }, 'notice'],
])('%s', (_, moved, severity) => {
  expect(judge(limited('/box/web-1', moved))).toMatchObject({ kind: 'found', severity, certainty: 'proved' });
});

test('no limit anywhere is ruled out', () => {
  expect(judge(used('/box/web-1', 900), used('/', 2000))).toMatchObject({ kind: 'ruled-out' });
});

test('a quota that nobody hit is ruled out, busy as it may be', () => {
  expect(judge(limited('/box/web-1', { usedMs: 450, periods: 10, throttled: 0 }))).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: '+0, 102 before' }],
  });
});

test('an ancestor is named as the one that limits', () => {
  const verdict = judge(
    used('/box/web-1', 200),
    limited('/box', { usedMs: 350, periods: 10, throttled: 5 }),
    used('/', 500),
  );
  expect(verdict).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringContaining('The cgroup /box above'),
    fixes: [{ command: 'echo 100000 > /sys/fs/cgroup/test/box/cpu.cfs_quota_us' }, {}, {}],
  });
});

test("an idle container is not harmed by its ancestor's throttling", () => {
  expect(
    judge(used('/box/web-1', 0), limited('/box', { usedMs: 350, periods: 10, throttled: 5 })),
  ).toMatchObject({ severity: 'notice' });
});

test('of two throttled levels the one that stopped it longer is named, the other is not hidden', () => {
  const verdict = judge(
    limited('/box/web-1', { usedMs: 300, periods: 10, throttled: 2 }),
    limited('/box', { usedMs: 350, periods: 10, throttled: 5 }),
  );
  expect(verdict).toMatchObject({
    summary: expect.stringContaining('/box above'),
    excluded: [{ claim: expect.stringContaining('/box/web-1 was throttled too') }],
  });
});

test('where the used time cannot be read it is a warning, and no average is claimed', () => {
  const own = limited('/box/web-1', { usedMs: 350, periods: 10, throttled: 4 });
  const unknown = { ...own, last: { ...own.last, usage: notThere } };
  expect(judge(unknown)).toMatchObject({
    severity: 'warning',
    summary: expect.stringMatching(
      /^The container has a limit of 0\.5 CPU, and 4 of 10 periods were cut short/,
    ),
  });
});

test('rates across a re-created cgroup are refused', () => {
  const own = limited('/box/web-1', { usedMs: 350, periods: 10, throttled: 4 });
  const again = { ...own, first: absent(own.directory, 'vanished', 'made again; look again') };
  expect(judge(again)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'vanished' }] });
});

test('counters that went back are refused', () => {
  expect(judge(limited('/box/web-1', { usedMs: 350, periods: -3, throttled: -1 }))).toMatchObject({
    kind: 'inconclusive',
  });
});

test('a cgroup that was never throttled needs no long window: 100 ms, as ps takes, rule it out', () => {
  const moved = { usedMs: 20, periods: 1, throttled: 0 };
  const fresh = (nowThrottled: number) => {
    const own = limited('/box/web-1', moved);
    const never = (sample: CpuSample, throttledPeriods: number): CpuSample => ({
      ...sample,
      throttling: present({ periods: 901, throttledPeriods, throttledTime: microseconds(0) }),
    });
    return rule({
      ...common({ windowMs: 100 }),
      cpu: chain({ ...own, first: present(never(own.last, 0)), last: never(own.last, nowThrottled) }),
      cpuset: notThere,
      processes: notThere,
      traced: notThere,
    });
  };
  expect(fresh(0)).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ claim: expect.stringContaining('Never throttled'), observed: '0' }],
  });
  expect(fresh(1)).toMatchObject({ kind: 'found' });
});

test('after an old cut, a window shorter than three periods decides nothing unless it saw another', () => {
  const short = (throttled: number) =>
    rule({
      ...common({ windowMs: 250 }),
      cpu: chain(limited('/box/web-1', { usedMs: 60, periods: 2, throttled })),
      cpuset: notThere,
      processes: notThere,
      traced: notThere,
    });
  expect(short(0)).toMatchObject({ kind: 'inconclusive' });
  expect(short(1)).toMatchObject({ kind: 'found' });
});

test('docker is told in its own words; a pod gets no command', () => {
  const own = limited('/docker/3f2a', { usedMs: 350, periods: 10, throttled: 4 });
  const fixes = (change: Parameters<typeof container>[0]) => {
    const verdict = rule({
      ...common({ container: container(change) }),
      cpu: chain(own),
      cpuset: notThere,
      traced: notThere,
      processes: present([process()]),
    });
    return verdict.kind === 'found' ? verdict.fixes.map(({ command }) => command) : [];
  };
  expect(fixes({ engine: 'docker', id: '3f2ac01b7d5e9f00' })[0]).toBe(
    'docker update --cpus 1 3f2ac01b7d5e || docker update --cpu-quota 100000 3f2ac01b7d5e',
  );
  expect(fixes({ pod: { namespace: 'a', name: 'b', container: 'c' } })[0]).toBeUndefined();
});

test('cgroup v2: its files, and burst by cpu.max.burst', () => {
  const verdict = judge(limited('/system.slice/box.scope', { usedMs: 350, periods: 10, throttled: 4 }, 'v2'));
  expect(verdict).toMatchObject({
    evidence: [{ observed: '50000 100000' }, {}, { source: expect.stringContaining('throttled_usec') }, {}],
    fixes: [
      { command: 'echo 100000 100000 > /sys/fs/cgroup/test/system.slice/box.scope/cpu.max' },
      { command: 'echo 50000 > /sys/fs/cgroup/test/system.slice/box.scope/cpu.max.burst' },
      {},
    ],
  });
});

test.each([
  [4, 50, '0.6 CPUs', 30],
  [9, 50, '2 CPUs', 30],
  [4, 130, '2 CPUs', 130],
])('cut %i of 10 periods: the quota of %i ms proposes %s', (throttled, usedMs, proposal, quotaMs) => {
  const verdict = judge(limited('/box/web-1', { quotaMs, usedMs, periods: 10, throttled }));
  expect(verdict.kind === 'found' && verdict.fixes[0]?.action).toContain(proposal);
});

test('burst is not offered where it cannot help: at the quota, or on an old kernel', () => {
  const actions = (own: Level<CpuSample>) => {
    const verdict = judge(own);
    return verdict.kind === 'found' ? verdict.fixes.map(({ action }) => action).join() : '';
  };
  expect(actions(limited('/box/web-1', { usedMs: 350, periods: 10, throttled: 4 }))).toContain('burst');
  expect(actions(limited('/box/web-1', { usedMs: 500, periods: 10, throttled: 9 }))).not.toContain('burst');
});

test('a neighbour is excluded by run-queue wait, and not excluded when the wait is long', () => {
  const own = limited('/box/web-1', { usedMs: 350, periods: 10, throttled: 4, throttledMs: 300 });
  const claims = (waitedMs: number) => {
    const times = (waiting: number) => ({
      running: microseconds(0),
      waiting: microseconds(waiting),
      timeslices: 0,
    });
    const verdict = rule({
      ...common(),
      cpu: chain(own),
      cpuset: notThere,
      traced: notThere,
      processes: present([
        process(4711, { scheduler: present({ first: times(0), last: times(waitedMs * 1000) }) }),
      ]),
    });
    return verdict.kind === 'found' ? verdict.excluded.map(({ claim }) => claim).join() : '';
  };
  expect(claims(310)).toContain('Not a neighbour');
  expect(claims(900)).not.toContain('neighbour');
});

test('a hostile cgroup name stays one word of the command', () => {
  const verdict = judge(limited("/box/a'; reboot; '", { usedMs: 350, periods: 10, throttled: 4 }));
  expect(verdict.kind === 'found' && verdict.fixes[0]?.command).toBe(
    "echo 100000 > '/sys/fs/cgroup/test/box/a'\\''; reboot; '\\''/cpu.cfs_quota_us'",
  );
});

test('the lab, captured on Linux 6.18: bursts under a quota of 30 ms, and the twin without one', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    evidence: [{ observed: '30000, 100000' }, {}, {}, {}],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('cgroup v2 as Linux 6.1 writes it', () => {
  const at = (stat: string): CpuSample => {
    const sample = readCpu(
      cgroupOf('v2', {
        'cpu.stat': stat,
        'cpu.max': '50000 100000\n',
        'cpu.max.burst': '0\n',
        'cpu.weight': '100\n',
      }),
    );
    if (!sample.present) throw new Error(sample.remedy);
    return sample.value;
  };
  const before =
    'usage_usec 1000000\nuser_usec 900000\nsystem_usec 100000\nnr_periods 40\nnr_throttled 12\nthrottled_usec 700000\nnr_bursts 0\nburst_usec 0\n';
  const after =
    'usage_usec 1350000\nuser_usec 1240000\nsystem_usec 110000\nnr_periods 50\nnr_throttled 16\nthrottled_usec 1018000\nnr_bursts 0\nburst_usec 0\n';
  expect(judge(level('/kubepods.slice/box', at(after), at(before), 'v2'))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringMatching(/used 0\.35 CPU of its limit of 0\.5 .* 4 of 10 periods .* 318 ms/),
  });
});

test('a cgroup shared with strangers is said to be shared, and harms only who runs', () => {
  const own = limited('/user.slice/session', { usedMs: 350, periods: 10, throttled: 4 });
  const verdict = (ranMs: number, threads = 4) => {
    const times = (running: number) => ({
      running: microseconds(running),
      waiting: microseconds(0),
      timeslices: 0,
    });
    return rule({
      ...common(),
      cpu: { ...chain(own), shared: true },
      cpuset: notThere,
      traced: notThere,
      processes: present([
        process(4711, {
          scheduler: present({ first: times(0), last: times(ranMs * 1000) }),
          status: { threads },
        }),
      ]),
    });
  };
  expect(verdict(200)).toMatchObject({ severity: 'critical', summary: expect.stringContaining('shares') });
  expect(verdict(2)).toMatchObject({ severity: 'notice' });
});

test('the threads that a quota stopped are named where they were seen', () => {
  const own = limited('/box/web-1', { usedMs: 350, periods: 10, throttled: 4 });
  const total = { us: 280_000, count: 4, longestUs: 70_000 };
  const traced: Traced = {
    throttle: present({
      engine: 'ebpf',
      lost: 0,
      ended: 'stopped',
      seconds: 1,
      times: { unit: 'us', counts: [] },
      levels: [{ cgroup: '/box/web-1', periods: 4, ...total }],
      threads: [{ process: 7, thread: 9, name: 'worker', ...total }],
    }),
  };
  const verdict = rule({
    ...common(),
    cpu: chain(own),
    cpuset: notThere,
    processes: notThere,
    traced: present(traced),
  });
  expect(verdict.kind === 'found' && verdict.evidence.at(-1)?.observed).toBe(
    '4 stops in 4 periods, 280 ms; most: worker (thread 9), 280 ms',
  );
});
