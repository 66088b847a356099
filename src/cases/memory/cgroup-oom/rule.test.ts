import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  container,
  host,
  level,
  memorySample,
  notThere,
  oomReport,
  pidsSample,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemorySample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import { bytes, cgroupPath, clockTicks, limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import { type CgroupOomFacts, definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const hour = 3600 * 1_000_000;
const observed = 74 * hour; // `common` looks 74 h after boot
const mebibytes = (value: number) => bytes(value * MiB);
const at = (hoursAgo: number) => microseconds(observed - hoursAgo * hour);
const killed = (kills: number, change: Partial<MemorySample> = {}) =>
  memorySample({
    oomKills: present(kills),
    subtreeOomKills: present(kills),
    limitHits: present(12),
    peak: present(mebibytes(64)),
    ...change,
  });
const own = (sample: MemorySample, first = sample) => level('/box/web-1', sample, first);
const unlimited = level('/box', memorySample({ limit: noLimit }));
const root = level('/', memorySample({ limit: noLimit, oomKills: notThere, subtreeOomKills: notThere }));
const ofAncestor = oomReport({ limitingCgroup: cgroupPath('/box') });

const facts = (change: Partial<CgroupOomFacts> = {}): CgroupOomFacts => ({
  ...common(),
  memory: present(chain(own(killed(1)), unlimited, root)),
  oomReports: present([oomReport()]),
  // 72 h after boot, that is 2 h before we look and 1 h before the report.
  init: present(process(4711, { startTime: clockTicks(72 * 360_000) })),
  processes: notThere,
  pids: notThere,
  traced: notThere,
  ...change,
});
const judge = (change: Partial<CgroupOomFacts> = {}) => rule(facts(change));
const withMemory = (sample: MemorySample, first = sample) => ({
  memory: present(chain(own(sample, first), unlimited, root)),
});

describe('captured on 6.18, cgroup v1', () => {
  test('the problem is found and proved by the report', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringMatching(/^The kernel killed tail \(pid \d+, .* limit of 32 MiB .*anonymous/),
    });
  });
  test('the healthy twin is silent because nothing was counted', () => {
    const verdict = judgeFixture(definition, rule, 'healthy');
    expect(verdict).toMatchObject({ kind: 'ruled-out' });
    expect(JSON.stringify(verdict)).toContain('oom_kill 0');
  });
});

describe('severity follows age and what is left', () => {
  test.each([
    [0.01, 6, 'critical'],
    [1, 6, 'warning'],
    [30, 6, 'notice'],
    [30, 60, 'critical'],
  ])('%d h ago, %d MiB in use now: %s', (hoursAgo, used, severity) => {
    const sample = killed(1, { usage: mebibytes(used) });
    const oomReports = present([oomReport({ at: at(hoursAgo) })]);
    const init = present(process(4711, { startTime: clockTicks(0) }));
    expect(judge({ ...withMemory(sample), oomReports, init })).toMatchObject({ kind: 'found', severity });
  });
  test('cache that can be dropped does not make it urgent', () => {
    const cache = breakdown({ inactiveFile: mebibytes(50) });
    const sample = killed(1, { usage: mebibytes(60), breakdown: present(cache) });
    expect(judge(withMemory(sample))).toMatchObject({ severity: 'warning' });
  });
});

describe('history is silent', () => {
  test.each([
    ['raised while it runs', limitOf(mebibytes(128))],
    ['lifted', noLimit],
  ])('the limit was %s', (_, limit) => {
    const verdict = judge(withMemory(killed(1, { limit })));
    expect(verdict).toMatchObject({ kind: 'ruled-out' });
    expect(JSON.stringify(verdict)).toContain('raised since');
  });
  test('but a kill at the raised limit is not', () => {
    const again = oomReport({
      at: at(0.5),
      memory: { usage: mebibytes(128), limit: limitOf(mebibytes(128)), failures: 1 },
    });
    const sample = killed(2, { limit: limitOf(mebibytes(128)) });
    expect(judge({ ...withMemory(sample), oomReports: present([oomReport(), again]) })).toMatchObject({
      kind: 'found',
      summary: expect.stringContaining('limit of 128 MiB'),
    });
  });
  test('a lowered limit is no fix', () => {
    expect(judge(withMemory(killed(1, { limit: limitOf(mebibytes(32)) })))).toMatchObject({ kind: 'found' });
  });
  test("a parent's limit was raised", () => {
    const parent = level('/box', memorySample({ limit: limitOf(mebibytes(256)) }));
    const memory = present(chain(own(killed(1, { limit: noLimit })), parent, root));
    expect(judge({ memory, oomReports: present([ofAncestor]) })).toMatchObject({ kind: 'ruled-out' });
  });
  test('a cgroup made again with the same path counts from 0', () => {
    const sample = killed(0, { limitHits: present(0), peak: present(mebibytes(9)) });
    const verdict = judge({ ...withMemory(sample), oomReports: present([oomReport({ at: at(3) })]) });
    expect(verdict).toMatchObject({ kind: 'ruled-out' });
    expect(JSON.stringify(verdict)).toContain('before this run of the container');
  });
  test.each([
    ['bare', 'ruled-out'],
    ['crun', 'found'],
  ] as const)('who was in the cgroup before: %s', (engine, kind) => {
    // The cgroup counts a kill of 3 h ago, this container began 2 h ago: only an engine makes a cgroup for each run.
    const oomReports = present([oomReport({ at: at(3) })]);
    expect(judge({ container: container({ engine }), oomReports }).kind).toBe(kind);
  });
  test('a nested cgroup that was removed took its count along', () => {
    const nested = oomReport({ victimCgroup: cgroupPath('/box/web-1/job') });
    expect(judge({ ...withMemory(killed(0)), oomReports: present([nested]) }).kind).toBe('found');
  });
  test.each([
    [undefined, 'ruled-out'],
    [microseconds(4 * hour), 'found'],
  ])('the log of a host that was suspended for %s us lags behind', (suspended, kind) => {
    // By its stamp the kill was an hour before the container began; the clock may have stood still since boot.
    const asleep = host(suspended === undefined ? {} : { suspended });
    expect(judge({ host: asleep, oomReports: present([oomReport({ at: at(3) })]) }).kind).toBe(kind);
  });
  test('of several reports only those that the counter covers are its own', () => {
    const old = oomReport({ at: at(40) });
    const verdict = judge({ oomReports: present([old, old, oomReport()]) });
    expect(verdict).toMatchObject({ kind: 'found' });
    expect(JSON.stringify(verdict)).not.toContain('such kills');
  });
});

describe('an engine gives the same id to each run', () => {
  const id = '3f2ac01b9d77e1c5f02a84d6b7fe0c1d2e3f405162738495a6b7c8d9e0f1a2b3';
  const path = cgroupPath(`/docker/${id}`);
  const docker = container({ id, engine: 'docker', cgroups: { memory: path } });
  const report = oomReport({ limitingCgroup: path, victimCgroup: path });
  const fresh = present(chain(level(path, killed(0)), root));
  const restarted = present(process(4711, { startTime: clockTicks(73.5 * 360_000) }));
  test('a kill before the restart counts while the limit is the same', () => {
    const facts = { container: docker, memory: fresh, oomReports: present([report]), init: restarted };
    expect(judge(facts)).toMatchObject({
      kind: 'found',
      severity: 'warning', // an hour ago
      summary: expect.stringContaining('started again with the same limit'),
    });
  });
  test('and no more once it is raised', () => {
    const raised = present(chain(level(path, killed(0, { limit: limitOf(mebibytes(128)) })), root));
    expect(judge({ container: docker, memory: raised, oomReports: present([report]) }).kind).toBe(
      'ruled-out',
    );
  });
  test('the fix is for that engine, with a name that a shell reads as one word', () => {
    const named = container({ ...docker, name: "it's; rm" });
    const memory = present(chain(level(path, killed(1)), root));
    const verdict = judge({ container: named, memory, oomReports: present([report]) });
    expect(verdict).toMatchObject({
      fixes: [{ command: "docker update --memory 96m --memory-swap -1 'it'\\''s; rm'" }, {}],
    });
  });
});

describe('whose limit', () => {
  test("a parent's limit: it is named, the own one is excluded", () => {
    const parent = level('/box', memorySample({ limit: limitOf(mebibytes(64)), usage: mebibytes(20) }));
    const memory = present(chain(own(killed(1, { limit: limitOf(mebibytes(512)) })), parent, root));
    const verdict = judge({ memory, oomReports: present([ofAncestor]) });
    expect(verdict).toMatchObject({
      kind: 'found',
      summary: expect.stringContaining('/box (a cgroup above it)'),
      excluded: expect.arrayContaining([
        expect.objectContaining({ claim: expect.stringContaining('Not the limit of its own cgroup') }),
      ]),
      fixes: [{ command: expect.stringContaining('/sys/fs/cgroup/test/box/memory.limit_in_bytes') }, {}],
    });
  });
  test("a nested cgroup's process, counted in the subtree only", () => {
    const nested = oomReport({ victimCgroup: cgroupPath('/box/web-1/init.scope') });
    const sample = killed(0, { subtreeOomKills: present(1) });
    expect(judge({ ...withMemory(sample), oomReports: present([nested]) })).toMatchObject({ kind: 'found' });
  });
  test('a nested kill before this run began, where nothing counts the subtree', () => {
    const nested = oomReport({ victimCgroup: cgroupPath('/box/web-1/init.scope'), at: at(3) });
    const sample = killed(0, { subtreeOomKills: notThere });
    expect(judge({ ...withMemory(sample), oomReports: present([nested]) }).kind).toBe('ruled-out');
  });
  test('a sibling that died at a shared limit is told, not found', () => {
    const sibling = oomReport({
      limitingCgroup: cgroupPath('/box'),
      victimCgroup: cgroupPath('/box/web-10'),
    });
    const verdict = judge({ ...withMemory(killed(0)), oomReports: present([sibling]) });
    expect(verdict.kind).toBe('ruled-out');
    expect(JSON.stringify(verdict)).toContain('task_memcg=/box/web-10');
  });
  test.each([
    ['bare', 1, 'proved', 'critical'],
    ['bare', 9, 'likely', 'warning'],
    ['crun', 9, 'proved', 'critical'],
  ] as const)('a cgroup of %s with %d tasks of others: %s', (engine, others, certainty, severity) => {
    const pids = present(chain(level('/box/web-1', pidsSample({ current: 1 + others }))));
    const processes = present([process()]);
    const oomReports = present([oomReport({ at: at(0.01) })]);
    expect(judge({ container: container({ engine }), pids, processes, oomReports })).toMatchObject({
      certainty,
      severity,
    });
  });
  test('memory and swap together (v1): raising memory alone mends nothing', () => {
    const report = oomReport({
      memory: { usage: mebibytes(40), limit: limitOf(mebibytes(64)), failures: 0 },
      swap: {
        limitMeans: 'memory-and-swap',
        usage: mebibytes(80),
        limit: limitOf(mebibytes(80)),
        failures: 3,
      },
    });
    const swap = (limit: number) =>
      present({ usage: bytes(0), limitMeans: 'memory-and-swap' as const, limit: limitOf(mebibytes(limit)) });
    const now = (sum: number) => ({
      ...withMemory(killed(1, { limit: limitOf(mebibytes(72)), swap: swap(sum) })),
      oomReports: present([report]),
    });
    expect(judge(now(80))).toMatchObject({
      kind: 'found',
      summary: expect.stringContaining('for memory and swap together'),
    });
    expect(judge(now(160)).kind).toBe('ruled-out');
  });
});

describe('what filled it (stats of the report)', () => {
  test.each([
    ['v1', { total_rss: 4 * MiB, total_cache: 50 * MiB, total_shmem: 50 * MiB, shmem: 0, cache: 0 }, 'tmpfs'],
    ['v2 6.1', { anon: 60 * MiB, file: 0, shmem: 0, kernel: 3 * MiB, slab: 2 * MiB }, 'anonymous'],
    ['v2 5.10', { anon: 8 * MiB, file: 2 * MiB, shmem: 0, slab: 40 * MiB }, 'memory of the kernel'],
    ['v2, cache', { anon: 8 * MiB, file: 52 * MiB, shmem: 0, kernel: MiB }, 'page cache'],
    ['4.19, one line', { rss: 60 * MiB, cache: MiB, shmem: 0 }, 'anonymous'],
  ])('%s', (_, stats, words) => {
    expect(judge({ oomReports: present([oomReport({ stats })]) })).toMatchObject({
      summary: expect.stringContaining(words),
    });
  });
  test('a report cut short is still the act', () => {
    const bare = oomReport({ stats: {}, memory: null, invokedBy: null, victims: [] });
    expect(judge({ oomReports: present([bare]) })).toMatchObject({ kind: 'found', certainty: 'proved' });
  });
  test('memory.oom.group takes all', () => {
    const [victim] = oomReport().victims;
    const report = oomReport({ wholeGroup: true, victims: victim === undefined ? [] : [victim, victim] });
    const verdict = judge({ ...withMemory(killed(2)), oomReports: present([report]) });
    expect(verdict).toMatchObject({ summary: expect.stringContaining('and 1 other process') });
    expect(JSON.stringify(verdict)).toContain('memory.oom.group');
  });
  test.each([
    [500, 'plus 500 thousandths of the limit (32 MiB)'],
    [-500, 'takes 500 thousandths'],
    [0, 'by its size'],
  ])('oom_score_adj %d is said', (oomScoreAdjust, words) => {
    const victims = oomReport().victims.map(victim => ({ ...victim, oomScoreAdjust }));
    expect(JSON.stringify(judge({ oomReports: present([oomReport({ victims })]) }))).toContain(words);
  });
});

describe('the counter without a report', () => {
  const noLog = { oomReports: present([]) };
  test('likely, for it counts kills of the host too', () => {
    expect(judge(noLog)).toMatchObject({ kind: 'found', certainty: 'likely', severity: 'warning' });
  });
  test('proved when it moved together with the limit', () => {
    const before = killed(0, { limitHits: present(3) });
    expect(judge({ ...noLog, ...withMemory(killed(1), before) })).toMatchObject({
      certainty: 'proved',
      severity: 'critical',
    });
  });
  test('in a cgroup that strangers share it may have been theirs', () => {
    const before = killed(0, { limitHits: present(3) });
    const memory = present({ ...chain(own(killed(1), before), unlimited, root), shared: true });
    expect(judge({ ...noLog, memory, container: container({ engine: 'crun' }) })).toMatchObject({
      certainty: 'likely',
      severity: 'warning',
      summary: expect.stringContaining('also holds processes of others'),
    });
  });
  test.each([
    [true, 4720, 'proved'],
    [false, 4720, 'likely'],
    [true, 4721, 'likely'],
  ])('in a cgroup of others a trace tells whose it was: own %s, pid %i', (isOwn, pid, certainty) => {
    const party = { pid, inside: 7, name: 'worker' };
    const kill = { at: 1, victim: party, asker: party, own: isOwn, report: null };
    const memory = present({ ...chain(own(killed(1)), unlimited, root), shared: true });
    const oom = present({ engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1, kills: [kill] } as const);
    const verdict = judge({ memory, container: container({ engine: 'crun' }), traced: present({ oom }) });
    expect(verdict).toMatchObject({ certainty, trace: certainty === 'proved' ? null : 'oom' });
  });
  test("an engine's container in a cgroup of others is not blamed for kills before its start", () => {
    const init = present(process(4711, { startTime: clockTicks(73.8 * 360_000) }));
    const memory = present({ ...chain(own(killed(1)), unlimited, root), shared: true });
    const podman = container({ engine: 'podman', id: 'a'.repeat(64) });
    const verdict = judge({ init, memory, container: podman, oomReports: present([oomReport()]) });
    expect(verdict.kind).toBe('ruled-out');
  });
  test('no limit was ever met: the host', () => {
    const verdict = judge({ ...noLog, ...withMemory(killed(1, { limitHits: present(0) })) });
    expect(verdict.kind).toBe('ruled-out');
    expect(JSON.stringify(verdict)).toContain('the host ran out of memory');
  });
  test('the limit is far above the highest usage: raised since', () => {
    const sample = killed(1, { limit: limitOf(mebibytes(512)), peak: present(mebibytes(64)) });
    expect(judge({ ...noLog, ...withMemory(sample) }).kind).toBe('ruled-out');
  });
  test('a report of the host explains it', () => {
    const oomReports = present([oomReport({ constraint: 'none', limitingCgroup: null })]);
    const verdict = judge({ oomReports });
    expect(verdict.kind).toBe('ruled-out');
    expect(JSON.stringify(verdict)).toContain('constraint=none');
  });
});

describe('oom_kill_disable (v1)', () => {
  const stuck = killed(0, { oomKillDisabled: true, underOom: true, usage: mebibytes(64) });
  test('tasks that wait for memory are a finding of their own', () => {
    const waiting = process(4712, {
      status: { state: 'D', name: 'eat' },
      waitChannel: present('mem_cgroup_oom_synchronize'),
    });
    expect(judge({ ...withMemory(stuck), processes: present([waiting]) })).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringContaining('oom_kill_disable forbids the kernel to kill'),
    });
  });
  test('switched off without being short of memory is nothing', () => {
    const quiet = withMemory({ ...stuck, underOom: false });
    expect(judge({ ...quiet, oomReports: present([]) }).kind).toBe('ruled-out');
  });
});

describe('what cannot be said', () => {
  const refused = absent('/dev/kmsg', 'not-permitted', 'run as root');
  test('no cgroup', () => {
    expect(judge({ memory: absent('x', 'not-permitted', 'run as root') }).kind).toBe('inconclusive');
  });
  test('neither counter nor log', () => {
    const sample = killed(0, { oomKills: notThere, subtreeOomKills: notThere });
    expect(judge({ ...withMemory(sample), oomReports: refused }).kind).toBe('inconclusive');
  });
  test('the counter alone can acquit', () => {
    expect(judge({ ...withMemory(killed(0)), oomReports: refused }).kind).toBe('ruled-out');
  });
  test('the root cgroup has no limit, and every report is below it', () => {
    const memory = present(chain(level('/', killed(7))));
    expect(judge({ memory }).kind).toBe('ruled-out');
  });
});

test('every verdict of a wild observation is a verdict', () => {
  const hostile = cgroupPath('/box/web-1\n\u001b[31m,task=x');
  const report = oomReport({ victimCgroup: hostile, limitingCgroup: null });
  expect(judge({ host: host({ bootedAt: 'never' }), oomReports: present([report]) }).kind).toBeTypeOf(
    'string',
  );
});
