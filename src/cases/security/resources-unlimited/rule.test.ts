import { expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  container,
  cpuSample,
  host,
  level,
  memorySample,
  notThere,
  pidsSample,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Container } from '../../../containers/container.ts';
import type { CgroupVersion, CpuSample, MemorySample, PidsSample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, cgroupPath, type Limit, limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import { definition } from './case.ts';
import { proposedMemory, proposedTasks } from './limits.ts';
import { rule } from './rule.ts';

const mebibyte = 1024 * 1024;
const memory = (path: string, mebibytes: number | 'max', version: CgroupVersion = 'v1') =>
  level<MemorySample>(
    path,
    memorySample({ limit: mebibytes === 'max' ? noLimit : limitOf(bytes(mebibytes * mebibyte)) }),
    undefined,
    version,
  );
const tasks = (path: string, limit: Limit<number>) =>
  level<PidsSample>(path, pidsSample({ current: 7, limit }));

const limitedMemory = chain(memory('/box/web-1', 64), memory('/', 'max'));
const limitedTasks = chain(tasks('/box/web-1', limitOf(128)), tasks('/box', noLimit));
const freeMemory = chain(memory('/box/web-1', 'max'), memory('/box', 'max'), memory('/', 'max'));
const freeTasks = chain(tasks('/box/web-1', noLimit), tasks('/box', noLimit));

const judge = (
  memoryChain: typeof freeMemory,
  tasksChain: typeof freeTasks,
  who: Partial<Container> = {},
  facts: Partial<Parameters<typeof rule>[0]> = {},
) =>
  rule({
    ...common({ container: container(who), host: host() }),
    memory: present(memoryChain),
    pids: present(tasksChain),
    cpu: notThere,
    ...facts,
  });

test('the lab: without limits it is found, the twin with limits is not', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    evidence: [
      { observed: 'max, max, max, max' },
      {},
      { source: expect.stringContaining('memory.max_usage_in_bytes') },
      { observed: expect.stringMatching(/^max/) },
      { claim: 'Tasks it has now' },
    ],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ claim: 'Its memory is limited to 256 MiB' }, { claim: 'Its tasks are limited to 128' }],
  });
});

test('both limits in place', () => {
  expect(judge(limitedMemory, limitedTasks)).toMatchObject({ kind: 'ruled-out' });
});

test('the limit of an ancestor counts, and is named', () => {
  const memoryBelow = chain(memory('/box/web-1', 'max'), memory('/box', 512), memory('/', 'max'));
  const tasksBelow = chain(tasks('/box/web-1', noLimit), tasks('/box', limitOf(500)));
  expect(judge(memoryBelow, tasksBelow)).toMatchObject({
    kind: 'ruled-out',
    evidence: [
      { source: '/sys/fs/cgroup/test/box/memory.limit_in_bytes' },
      { source: '/sys/fs/cgroup/test/box/pids.max', observed: '500' },
    ],
  });
});

test('the tightest of several limits is the one in force', () => {
  const twice = chain(memory('/box/web-1', 512), memory('/box', 128));
  expect(judge(twice, limitedTasks)).toMatchObject({
    evidence: [{ claim: 'Its memory is limited to 128 MiB' }, {}],
  });
});

test.each<[string, typeof freeMemory, typeof freeTasks, string, number]>([
  [
    'memory',
    freeMemory,
    limitedTasks,
    'Limit memory to 64 MiB (in a pod, resources: {requests: {memory: 64Mi}, limits: {memory: 64Mi}})',
    1,
  ],
  ['tasks', limitedMemory, freeTasks, 'Limit tasks to 64 (in a pod, podPidsLimit: 64 of the kubelet)', 1],
  [
    'both',
    freeMemory,
    freeTasks,
    'Limit memory to 64 MiB and tasks to 64 (in a pod, resources: {requests: {memory: 64Mi}, limits: {memory: 64Mi}}, podPidsLimit: 64 of the kubelet)',
    0,
  ],
])('missing: %s', (_, memoryChain, tasksChain, action, kept) => {
  const verdict = judge(memoryChain, tasksChain);
  expect(verdict).toMatchObject({ kind: 'found', severity: 'warning', fixes: [{ action }] });
  expect(verdict.kind === 'found' && verdict.excluded).toHaveLength(kept);
});

test('a limit above what the machine has is none', () => {
  const huge = chain(memory('/box/web-1', 1024 * 1024));
  expect(judge(huge, limitedTasks)).toMatchObject({ kind: 'found' });
  expect(judge(limitedMemory, chain(tasks('/box/web-1', limitOf(2 ** 22))))).toMatchObject({ kind: 'found' });
});

test.each<[string, Partial<Container>, string | undefined]>([
  [
    'docker',
    { engine: 'docker', id: '3f2ac01b7d5e9f00' },
    'docker update --memory 67108864 --memory-swap 67108864 --pids-limit 64 3f2ac01b7d5e',
  ],
  [
    'bare',
    {},
    'echo 67108864 > /sys/fs/cgroup/test/box/web-1/memory.limit_in_bytes && echo 64 > /sys/fs/cgroup/test/box/web-1/pids.max',
  ],
  [
    'a cgroup that others are in too',
    { sharedCgroups: ['memory'] },
    'systemd-run --scope -p MemoryMax=1G -p TasksMax=512 …',
  ],
  ['a pod', { pod: { namespace: 'a', name: 'b', container: 'c' } }, undefined],
])('the command for %s', (_, who, command) => {
  const verdict = judge(freeMemory, freeTasks, who);
  expect(verdict.kind === 'found' && verdict.fixes[0]?.command).toBe(command);
});

test('cgroup v2 is told in its own file names', () => {
  const v2 = chain(memory('/box.scope', 'max', 'v2'));
  expect(judge(v2, limitedTasks)).toMatchObject({
    evidence: [
      { source: '/sys/fs/cgroup/test/box.scope/memory.max' },
      { source: expect.stringContaining('memory.current') },
      { source: expect.stringContaining('memory.peak') },
    ],
    fixes: [{ command: 'echo 67108864 > /sys/fs/cgroup/test/box.scope/memory.max' }],
  });
});

test('in the root nothing limits, though it has no file that says so', () => {
  const root = { memory: cgroupPath('/'), pids: cgroupPath('/') };
  const who = container({ cgroups: root, sharedCgroups: ['memory', 'pids'] });
  const verdict = rule({ ...common({ container: who }), memory: notThere, pids: notThere, cpu: notThere });
  expect(verdict).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('its memory or its number of tasks'),
    evidence: [{ observed: '/' }, { observed: '/' }],
  });
});

test('the root of a cgroup2 tree has no memory.max, so it is not among the levels looked at', () => {
  const v2 = chain(memory('/box/web-1', 'max', 'v2'), memory('/box', 'max', 'v2'), memory('/', 'max', 'v2'));
  expect(judge(v2, limitedTasks)).toMatchObject({
    evidence: [
      { claim: 'No memory limit: its own cgroup and 1 ancestor looked at', observed: 'max, max' },
      { claim: expect.stringMatching(/^Memory it uses now/) },
      {},
    ],
  });
});

test('what could not be read is neither limited nor unlimited', () => {
  const facts = { ...common(), cpu: notThere };
  expect(rule({ ...facts, memory: present(limitedMemory), pids: notThere })).toEqual({
    kind: 'inconclusive',
    missing: [{ what: notThere.what, because: notThere.because, remedy: notThere.remedy }],
  });
  expect(rule({ ...facts, memory: notThere, pids: notThere })).toMatchObject({ missing: [{}, {}] });
  expect(rule({ ...facts, memory: present(freeMemory), pids: notThere })).toMatchObject({ kind: 'found' });
});

test.each([
  [0, 0, 64],
  [100, 0, 160],
  [100, 90, 64],
  [1000, 100, 1408],
  [4096, 0, 6144],
])('%i MiB used, %i MiB of it idle cache: %i MiB proposed', (used, idle, proposed) => {
  const sample = memorySample({
    usage: bytes(used * mebibyte),
    breakdown: present(breakdown({ inactiveFile: bytes(idle * mebibyte) })),
  });
  expect(proposedMemory(sample) / mebibyte).toBe(proposed);
});

test.each([
  [1, 64],
  [33, 128],
  [500, 1024],
])('%i tasks: %i proposed', (current, proposed) => {
  expect(proposedTasks(pidsSample({ current }))).toBe(proposed);
});

test('a peak counts, less the page cache that there is now', () => {
  const peaked = (file: number) =>
    memorySample({
      usage: bytes(110 * mebibyte),
      peak: present(bytes(400 * mebibyte)),
      breakdown: present(breakdown({ file: bytes(file * mebibyte), inactiveFile: bytes(file * mebibyte) })),
    });
  expect(proposedMemory(peaked(10)) / mebibyte).toBe(512);
  expect(proposedMemory(peaked(100)) / mebibyte).toBe(384);
  expect(proposedTasks(pidsSample({ current: 3, peak: 200 }))).toBe(256);
});

test('its CPU, where it has no quota: the request of a pod, and a limit for who wants one', () => {
  const used = (microsecondsLast: number, change: Partial<CpuSample> = {}) =>
    present(
      chain(
        level<CpuSample>(
          '/box/web-1',
          cpuSample({ usage: present(microseconds(microsecondsLast)), ...change }),
          cpuSample({ usage: present(microseconds(0)), ...change }),
        ),
      ),
    );
  const docker = { engine: 'docker', id: '3f2ac01b7d5e9f00' } as const;
  expect(judge(freeMemory, limitedTasks, docker, { cpu: used(340_000) })).toMatchObject({
    fixes: [
      { action: expect.stringContaining('requests: {cpu: 700m, memory: 64Mi}') },
      { command: 'docker update --cpus 0.7 3f2ac01b7d5e' },
    ],
  });
  const quota = present({
    quota: limitOf(microseconds(50_000)),
    period: microseconds(100_000),
    burst: notThere,
  });
  expect(judge(freeMemory, limitedTasks, docker, { cpu: used(340_000, { quota }) })).toMatchObject({
    fixes: [{ action: expect.not.stringContaining('cpu:') }],
  });
});
