import { expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  cpuSample,
  host,
  level,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture, readFixture } from '../../../../test/support/fixture.ts';
import type { Chain, Level, Neighbour } from '../../../diagnose/facts.ts';
import { resolvers } from '../../../diagnose/resolve.ts';
import type { CgroupVersion, CpuSample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import { cgroupPath, limitOf, microseconds } from '../../../linux/units.ts';
import type { Traced } from '../../../trace/results.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const ms = (value: number) => microseconds(value * 1000);

interface Moved {
  readonly usedMs: number;
  readonly weight?: number;
  readonly quotaMs?: number;
  readonly throttledMs?: number;
}

function cgroup(path: string, moved: Moved, version: CgroupVersion = 'v1'): Level<CpuSample> {
  const sample = (part: number): CpuSample =>
    cpuSample({
      usage: present(ms(part * moved.usedMs)),
      weight: present({ kind: version === 'v1' ? 'shares' : 'weight', value: moved.weight ?? 1024 }),
      ...(moved.quotaMs === undefined
        ? {}
        : {
            quota: present({
              quota: limitOf(ms(moved.quotaMs)),
              period: ms(100),
              burst: present(microseconds(0)),
            }),
          }),
      throttling: present({
        periods: 10 * part,
        throttledPeriods: part * (moved.throttledMs === undefined ? 0 : 5),
        throttledTime: ms(part * (moved.throttledMs ?? 0)),
      }),
    });
  return level(path, sample(1), sample(0), version);
}

const neighbour = (
  member: Level<CpuSample>,
  path: string,
  moved: Moved & { readonly cpus?: readonly number[]; readonly containers?: readonly string[] },
): Neighbour => ({
  member,
  level: cgroup(path, moved, member.version),
  path: cgroupPath(path),
  used: ms(moved.usedMs),
  cpus: moved.cpus ?? null,
  containers: moved.containers ?? [],
});

/** A process whose threads ran and waited for so long in the window of a second. */
function ran(ranMs: number, waitedMs: number, threads = 1, slices = 30) {
  const times = (part: number) => ({
    running: ms(part * ranMs),
    waiting: ms(part * waitedMs),
    timeslices: part * slices,
  });
  return process(4711, { scheduler: present({ first: times(0), last: times(1) }), status: { threads } });
}

interface Scene {
  readonly own: Level<CpuSample>;
  readonly waitedMs: number;
  readonly threads?: number;
  readonly neighbours?: readonly Neighbour[];
  readonly allowed?: readonly number[];
  /** Milliseconds that each CPU was busy. */
  readonly busyMs?: readonly number[];
  readonly above?: readonly Level<CpuSample>[];
  readonly change?: Partial<Parameters<typeof rule>[0]>;
}

function judge({
  own,
  waitedMs,
  threads,
  neighbours = [],
  allowed = [0],
  busyMs = [1000, 0],
  above = [],
  change,
}: Scene) {
  const cpuBusy = Object.fromEntries(busyMs.map((busy, cpu) => [cpu, ms(busy)]));
  const cpuset = present(chain(level('/box/web-1', { cpus: allowed, memoryNodes: [0] })));
  const cpu: Chain<CpuSample> = chain(own, ...above);
  return rule({
    ...common({ host: host({ cpuBusy }) }),
    cpu,
    cpuset,
    pressure: notThere,
    traced: notThere,
    neighbours,
    processes: [ran(own.last.usage.present ? own.last.usage.value / 1000 : 0, waitedMs, threads)],
    ...change,
  });
}

const light = cgroup('/box/web-1', { usedMs: 110, weight: 256 });
const heavy = neighbour(light, '/box/batch', { usedMs: 880, weight: 2048, cpus: [0] });

test('an eighth of the weight on one CPU: who, how much, why', () => {
  expect(judge({ own: light, waitedMs: 885, neighbours: [heavy] })).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(
      /89 % .* the cgroup \/box\/batch, which used 880 ms\. It weighs 8 times as much, 2048 to 256 /,
    ),
    fixes: [{ command: 'echo 8192 > /sys/fs/cgroup/test/box/web-1/cpu.shares' }, {}, {}],
  });
});

test('ticks that /proc/stat lost are no time of the container: the usage of who may run nowhere else counts', () => {
  const change = { host: host({ cpuBusy: { 0: ms(400) }, cpuIdle: { 0: ms(0) } }) };
  const scene = { own: light, waitedMs: 885, neighbours: [heavy], change };
  expect(judge(scene)).toMatchObject({ severity: 'critical', summary: expect.stringContaining('89 % ') });
  const anywhere = { ...heavy, cpus: [0, 1] };
  const twoCpus = { host: host({ cpuBusy: { 0: ms(400), 1: ms(0) }, cpuIdle: { 0: ms(0), 1: ms(0) } }) };
  expect(judge({ ...scene, neighbours: [anywhere], change: twoCpus })).not.toMatchObject({
    severity: 'critical',
  });
});

test('a CPU that a hypervisor takes away in part has no room, although less than the window was used', () => {
  const scene = { own: light, waitedMs: 885, neighbours: [heavy] };
  const stolen = (idleMs: number) =>
    host({ cpuBusy: { 0: ms(600), 1: ms(0) }, cpuIdle: { 0: ms(idleMs), 1: ms(900) } });
  expect(judge({ ...scene, change: { host: stolen(10) } })).toMatchObject({ kind: 'found' });
  expect(judge({ ...scene, change: { host: stolen(400) } })).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, Scene, string]>([
  ['two equals on one CPU', { own: cgroup('/box/web-1', { usedMs: 500 }), waitedMs: 500 }, 'notice'],
  ['one of three', { own: cgroup('/box/web-1', { usedMs: 330 }), waitedMs: 660 }, 'warning'],
  ['little work that waits long', { own: cgroup('/box/web-1', { usedMs: 30 }), waitedMs: 400 }, 'critical'],
  [
    'two threads on two CPUs of others',
    {
      own: cgroup('/box/web-1', { usedMs: 300 }),
      waitedMs: 1700,
      threads: 2,
      allowed: [0, 1],
      busyMs: [1000, 990],
    },
    'critical',
  ],
])('%s', (_, scene, severity) => {
  expect(judge(scene)).toMatchObject({ kind: 'found', severity });
});

test.each<[string, Scene, string]>([
  ['it hardly waits', { own: light, waitedMs: 40 }, 'waited'],
  [
    'CPU-bound and alone with eight threads on one CPU',
    { own: cgroup('/box/web-1', { usedMs: 990 }), waitedMs: 6900, threads: 8 },
    'own threads',
  ],
  [
    'eight threads of its own beside somebody who needs little',
    { own: cgroup('/box/web-1', { usedMs: 800 }), waitedMs: 7000, threads: 8 },
    'own threads',
  ],
  [
    'throttled below its average',
    { own: cgroup('/box/web-1', { usedMs: 300, quotaMs: 50, throttledMs: 500 }), waitedMs: 560 },
    'Throttling',
  ],
  [
    'throttled with more threads than CPUs, which all wait for the next period',
    { own: cgroup('/box/web-1', { usedMs: 300, quotaMs: 50, throttledMs: 500 }), waitedMs: 1900, threads: 4 },
    'Throttling',
  ],
  [
    'an ancestor is throttled',
    { own: light, waitedMs: 600, above: [cgroup('/box', { usedMs: 110, quotaMs: 20, throttledMs: 590 })] },
    'Throttling',
  ],
  [
    'at its quota: there is nothing more to have',
    { own: cgroup('/box/web-1', { usedMs: 495, quotaMs: 50 }), waitedMs: 500 },
    'own threads',
  ],
  [
    'its cpuset is busy by itself, the neighbour is on the other CPU',
    { own: cgroup('/box/web-1', { usedMs: 985 }), waitedMs: 900, threads: 2, busyMs: [1000, 1000] },
    'own threads',
  ],
  [
    'a CPU that was idle for a third of the time',
    { own: light, waitedMs: 300, busyMs: [650, 0] },
    'had time left',
  ],
])('ruled out: %s', (_, scene, words) => {
  const verdict = judge(scene);
  expect(verdict.kind).toBe('ruled-out');
  expect(verdict.kind === 'ruled-out' && verdict.evidence.at(-1)?.claim).toContain(words);
});

test('short waits, many of them, are the latency of a busy CPU: a notice, however they add up', () => {
  const own = cgroup('/box/web-1', { usedMs: 60 });
  expect(judge({ own, waitedMs: 600, change: { processes: [ran(60, 600, 1, 200)] } })).toMatchObject({
    kind: 'found',
    severity: 'notice',
  });
});

test('without the CPU times of the host nothing is claimed about others', () => {
  expect(judge({ own: light, waitedMs: 885, neighbours: [heavy], change: { host: host() } })).toMatchObject({
    kind: 'inconclusive',
  });
});

test('who runs on other CPUs is not blamed, however much it used', () => {
  const elsewhere = neighbour(light, '/system.slice', { usedMs: 1000, cpus: [1] });
  const anywhere = neighbour(light, '/user.slice', { usedMs: 950, cpus: [0, 1] });
  const busyMs = [1000, 1000];
  expect(
    judge({ own: light, waitedMs: 885, neighbours: [elsewhere, anywhere, heavy], busyMs }),
  ).toMatchObject({
    certainty: 'proved',
    summary: expect.stringContaining('/box/batch'),
  });
  expect(judge({ own: light, waitedMs: 885, neighbours: [elsewhere, anywhere], busyMs })).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('/user.slice'),
  });
});

test('nobody is known: said so, and only likely', () => {
  expect(judge({ own: light, waitedMs: 885 })).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('cannot be named'),
  });
});

test('tasks directly in the root, a container by its name, equal and smaller weights', () => {
  const summary = (who: Neighbour): string => {
    const verdict = judge({ own: light, waitedMs: 885, neighbours: [who] });
    return verdict.kind === 'found' ? verdict.summary : verdict.kind;
  };
  expect(summary({ ...heavy, level: null, path: cgroupPath('/') })).toContain(
    'tasks directly in the cgroup /,',
  );
  expect(summary({ ...heavy, level: null, path: light.path })).toContain('other tasks in the same cgroup');
  expect(summary({ ...heavy, containers: ['batch-7'] })).toContain('the container batch-7');
  expect(summary(neighbour(light, '/box/b', { usedMs: 880, weight: 256, cpus: [0] }))).toContain(
    'Both weigh the same',
  );
  expect(summary(neighbour(light, '/box/b', { usedMs: 880, weight: 2, cpus: [0] }))).toContain('weighs less');
});

test('docker is told in its own words; a pod gets no command; v2 has cpu.weight', () => {
  const fixes = (change: Parameters<typeof container>[0], own = light, other = heavy) => {
    const verdict = judge({
      own,
      waitedMs: 885,
      neighbours: [other],
      change: { container: container(change) },
    });
    return verdict.kind === 'found' ? verdict.fixes.map(({ command }) => command) : [];
  };
  expect(fixes({ engine: 'docker', id: '3f2ac01b7d5e9f00' })[0]).toBe(
    'docker update --cpu-shares 8192 3f2ac01b7d5e',
  );
  expect(fixes({ pod: { namespace: 'a', name: 'b', container: 'c' } })[0]).toBeUndefined();
  const own = cgroup("/box/a'; reboot; '", { usedMs: 110, weight: 10 }, 'v2');
  const other = neighbour(own, '/box/b', { usedMs: 880, weight: 9000, cpus: [0] });
  expect(fixes({}, own, other)[0]).toBe(
    "echo 10000 > '/sys/fs/cgroup/test/box/a'\\''; reboot; '\\''/cpu.weight'",
  );
});

test('a cgroup that was made again: what its threads tell still counts', () => {
  const again = { ...light, first: absent(light.directory, 'vanished', 'made again') };
  expect(judge({ own: again, waitedMs: 885, neighbours: [heavy] })).toMatchObject({ kind: 'found' });
});

test('the lab, captured on Linux 6.18: an eighth of the weight, and eight times as much', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('/neighbour, which used'),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('neighbours of the captured observation: siblings on each level, and tasks beside them', () => {
  const observation = readFixture(definition.id, 'problem');
  const [facts] = observation.containers;
  if (facts === undefined) throw new Error('the fixture has no container');
  const neighbours = resolvers.neighbours(observation, facts);
  if (!neighbours.present) throw new Error(neighbours.remedy);
  const sibling = neighbours.value.find(({ path }) => path.endsWith('/neighbour'));
  expect(sibling).toMatchObject({ cpus: [0], member: { path: facts.container.cgroups.cpu } });
  expect(neighbours.value.some(({ level: theirs, path }) => theirs === null && path === '/')).toBe(true);
});

/** What `glassbox trace runq` would have seen: time that others had the CPU, by their cgroups. */
function tracedRunq(
  takers: readonly { readonly cgroup: string | null; readonly ms: number }[],
  waitedMs: number,
) {
  return present({
    runq: present({
      engine: 'ebpf',
      lost: 0,
      ended: 'stopped',
      seconds: 1,
      waits: { unit: 'us', counts: [] },
      count: 30,
      waitedUs: waitedMs * 1000,
      longestUs: 0,
      idleUs: 0,
      ownUs: 0,
      othersUs: takers.reduce((sum, taker) => sum + taker.ms * 1000, 0),
      takers: takers.map(({ cgroup: path, ms: time }, index) => ({
        pid: 100 + index,
        name: 'burn',
        cgroup: path,
        own: false,
        us: time * 1000,
        count: 10,
        longestUs: 0,
      })),
    }),
  } satisfies Traced);
}

test('who cannot be told from counters is seen at the switches', () => {
  // Both neighbours may run on either CPU and used as much.
  const scene: Scene = {
    own: light,
    waitedMs: 885,
    neighbours: [
      neighbour(light, '/box/batch', { usedMs: 880, weight: 2048, cpus: [0, 1] }),
      neighbour(light, '/box/other', { usedMs: 880, weight: 2048, cpus: [0, 1] }),
    ],
    busyMs: [1000, 880],
  };
  expect(judge(scene)).toMatchObject({ kind: 'found', certainty: 'likely', trace: 'runq' });
  const seen = tracedRunq(
    [
      { cgroup: '/box/other/inside', ms: 800 },
      { cgroup: '/box/batch', ms: 20 },
    ],
    885,
  );
  const verdict = judge({ ...scene, change: { traced: seen } });
  expect(verdict).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('the cgroup /box/other'),
  });
  expect(verdict.kind === 'found' && verdict.evidence.map(({ observed }) => observed)).toContain(
    '800 ms of 885 ms waited',
  );
  const nobody = tracedRunq([{ cgroup: null, ms: 800 }], 885);
  expect(judge({ ...scene, change: { traced: nobody } })).toMatchObject({ certainty: 'likely' });
});

test('tasks directly in the root are many at once: a notice, unless one of them was seen to take it', () => {
  const rest: Neighbour = { ...heavy, level: null, path: cgroupPath('/'), cpus: null };
  const severity = (takers?: Parameters<typeof tracedRunq>[0], neighbours = [rest]) => {
    const traced = takers === undefined ? notThere : tracedRunq(takers, 885);
    const verdict = judge({ own: light, waitedMs: 885, neighbours, change: { traced } });
    return verdict.kind === 'found' ? verdict.severity : verdict.kind;
  };
  expect(severity()).toBe('notice');
  expect(severity(Array.from({ length: 20 }, () => ({ cgroup: '/', ms: 44 })))).toBe('notice');
  expect(severity([{ cgroup: '/box/batch', ms: 800 }])).toBe('notice');
  expect(severity([{ cgroup: '/', ms: 800 }])).toBe('critical');
  // A cgroup that had most of it is somebody, whatever the root had besides.
  expect(severity(undefined, [heavy, { ...rest, used: ms(10) }])).toBe('critical');
});
