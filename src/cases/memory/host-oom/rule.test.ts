import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  level,
  memorySample,
  notThere,
  oomReport,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemorySample } from '../../../linux/cgroup/model.ts';
import { parseOomReports } from '../../../linux/kmsg/oom-parse.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import { parseKmsg } from '../../../linux/kmsg/records.ts';
import { absent, present } from '../../../linux/reading.ts';
import {
  bytes,
  cgroupPath,
  clockTicks,
  hostPid,
  microseconds,
  noLimit,
  pages,
} from '../../../linux/units.ts';
import { definition, type HostOomFacts } from './case.ts';
import { rule } from './rule.ts';

const hour = 3600 * 1_000_000;
const observed = 74 * hour; // `common` looks 74 h after boot
const at = (hoursAgo: number) => microseconds(observed - hoursAgo * hour);
const candidate = (pid: number, name: string, residentMiB: number, oomScoreAdjust: number) => ({
  pid: hostPid(pid),
  name,
  uid: 0,
  resident: pages((residentMiB * 2 ** 20) / 4096),
  swapped: pages(0),
  oomScoreAdjust,
});
const worker = { ...candidate(4720, 'worker', 60, 1000) };
const hog = candidate(900, 'batch', 6000, 0);

/** The host had no page left, and `worker` of /box/web-1 died for `batch`. */
const ofHost = (change: Partial<OomReport> = {}): OomReport => ({
  ...oomReport({ constraint: 'none', limitingCgroup: null, memory: null, stats: {}, at: at(1) }),
  victims: oomReport().victims.map(victim => ({ ...victim, oomScoreAdjust: 1000 })),
  candidates: [hog, worker],
  ...change,
});
const sample = (kills: number, change: Partial<MemorySample> = {}) =>
  memorySample({ oomKills: present(kills), subtreeOomKills: present(kills), ...change });
const memory = (own: MemorySample) =>
  present(chain(level('/box/web-1', own), level('/', memorySample({ limit: noLimit, oomKills: notThere }))));

const judge = (change: Partial<HostOomFacts> = {}) =>
  rule({
    ...common(),
    memory: memory(sample(1)),
    oomReports: present([ofHost()]),
    init: present(process(4711, { startTime: clockTicks(72 * 360_000) })),
    processes: notThere,
    pids: notThere,
    traced: notThere,
    ...change,
  });

describe('captured in the virtual machine, 6.1, cgroup v2', () => {
  test('the worker died for the neighbour, with its own cgroup far from the limit', () => {
    const verdict = judgeFixture(definition, rule, 'problem');
    expect(verdict).toMatchObject({
      kind: 'found',
      severity: 'warning',
      certainty: 'proved',
      summary: expect.stringMatching(
        /^The kernel killed tail .* the host had no page left.* most was used by tail .* oom_score_adj 1000, that one 0/,
      ),
    });
    expect(JSON.stringify(verdict)).toContain('CONSTRAINT_NONE');
  });
  test('where the neighbour met its own limit it is silent', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

test("a pod's container in a kernel log from elsewhere: itself the largest, and burstable", () => {
  const log = readFileSync(
    new URL('../../../linux/kmsg/fixture/linux-6.1-host.txt', import.meta.url),
    'utf8',
  );
  const path = '/kubepods.slice/kubepods-burstable.slice/cri-containerd-5a.scope';
  const own = level(path, sample(1), sample(1), 'v2');
  expect(
    judge({
      ...common({ observedAt: '2026-11-20T10:05:00.000Z' }),
      memory: present(
        chain(own, level('/', memorySample({ limit: noLimit, oomKills: notThere }), undefined, 'v2')),
      ),
      oomReports: present(parseOomReports(parseKmsg(log))),
      init: present(process(4711, { startTime: clockTicks(1000) })),
    }),
  ).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^The kernel killed node .* It was itself the largest process, with 408 MiB/,
    ),
  });
});

test('who asked, who used, who died, and why that one', () => {
  const verdict = judge();
  expect(verdict).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringContaining('The most was used by batch (pid 900), 5.86 GiB; the victim had'),
    fixes: [{ command: 'cat /proc/900/cgroup' }, { command: 'echo -500 > /proc/4711/oom_score_adj' }, {}],
  });
  expect(JSON.stringify(verdict)).toContain('batch (pid 900) rss 1536000 pages, oom_score_adj 0');
});

test('the largest itself is told so, and is to be limited itself', () => {
  expect(judge({ oomReports: present([ofHost({ candidates: [worker] })]) })).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('It was itself the largest process, with 60 MiB'),
    fixes: [{ command: expect.stringContaining('echo 62914560 >') }, {}, {}],
  });
});

test.each([
  [1, 'warning'],
  [30, 'notice'],
])('%d h ago: %s', (hoursAgo, severity) => {
  const init = present(process(4711, { startTime: clockTicks(0) }));
  expect(judge({ oomReports: present([ofHost({ at: at(hoursAgo) })]), init })).toMatchObject({ severity });
});

test('an ended container that it killed is critical', () => {
  const id = '3f2a01bc44aa';
  const ended = container({
    id,
    state: 'exited',
    engine: 'docker',
    startedAt: '2026-11-23T08:00:00.000Z',
    exit: { code: 137, outOfMemory: true, finishedAt: '2026-11-23T11:00:01.000Z' },
  });
  const report = ofHost({ victimCgroup: cgroupPath(`/docker/${id}`) });
  expect(
    judge({ container: ended, memory: notThere, init: notThere, oomReports: present([report]) }),
  ).toMatchObject({ kind: 'found', severity: 'critical' });
});

test('a node of memory that a cpuset allows is not all of the host', () => {
  expect(judge({ oomReports: present([ofHost({ constraint: 'cpuset' })]) })).toMatchObject({
    summary: expect.stringContaining('the memory nodes that its cpuset allows had no page left'),
  });
});

test('without the table of tasks (vm.oom_dump_tasks=0) nobody is blamed', () => {
  const verdict = judge({ oomReports: present([ofHost({ candidates: [] })]) });
  expect(verdict).toMatchObject({ kind: 'found', summary: expect.not.stringContaining('most was used') });
});

describe('look-alikes', () => {
  test('a kill at a limit of a cgroup', () => {
    const verdict = judge({ oomReports: present([oomReport()]) });
    expect(verdict.kind).toBe('ruled-out');
    expect(JSON.stringify(verdict)).toContain('oom_memcg=/box/web-1');
  });
  test('the host killed in another cgroup', () => {
    const other = ofHost({ victimCgroup: cgroupPath('/box/other') });
    expect(judge({ memory: memory(sample(0)), oomReports: present([other]) }).kind).toBe('ruled-out');
  });
  test('a kill before this run, in a cgroup of the same path', () => {
    const verdict = judge({ memory: memory(sample(0)), oomReports: present([ofHost({ at: at(3) })]) });
    expect(verdict.kind).toBe('ruled-out');
  });
});

describe('a kill is counted and no report is left', () => {
  test('no limit was ever near: it may have been the host', () => {
    expect(judge({ oomReports: present([]) })).toMatchObject({
      kind: 'inconclusive',
      missing: [{ because: 'vanished' }],
    });
  });
  test('its own limit was reached: that explains it', () => {
    const full = sample(1, { peak: present(bytes(64 * 2 ** 20)) });
    expect(judge({ memory: memory(full), oomReports: present([]) }).kind).toBe('ruled-out');
  });
  test('nothing is counted and the log cannot be read: nothing happened', () => {
    const unread = absent('/dev/kmsg', 'not-permitted', 'run it as root');
    expect(judge({ memory: memory(sample(0)), oomReports: unread }).kind).toBe('ruled-out');
  });
});

test('in a cgroup with strangers it is likely only', () => {
  const shared = { ...chain(level('/box', sample(1))), shared: true };
  const report = ofHost({ victimCgroup: cgroupPath('/box') });
  expect(judge({ memory: present(shared), oomReports: present([report]) })).toMatchObject({
    kind: 'found',
    certainty: 'likely',
    summary: expect.stringContaining('also holds processes of others'),
  });
});
