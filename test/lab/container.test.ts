import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { namespaceKinds, readNamespace, readNamespaces } from '../../src/linux/namespaces.ts';
import { readCmdline } from '../../src/linux/proc/cmdline.ts';
import { listProcesses } from '../../src/linux/proc/process.ts';
import { readStat } from '../../src/linux/proc/stat.ts';
import { readStatus } from '../../src/linux/proc/status.ts';
import { orElse } from '../../src/linux/reading.ts';
import { bytes, hostPid, microseconds } from '../../src/linux/units.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';

const open: LabRunHandle[] = [];
afterEach(() => {
  for (const run of open.splice(0)) expect(run.close()).toEqual([]);
  expect(remainsOf(process.pid, 'no marker')).toEqual([]);
});

function openTestRun(): LabRunHandle {
  const run = openRun();
  open.push(run);
  return run;
}

const start = (spec: ContainerSpec): Promise<LabContainer> => openTestRun().bench.container(spec);
const shell = (script: string): ContainerSpec['program'] => ({ kind: 'shell', script });
const sleeper = shell('echo ready; exec sleep 1000');
const reporter = { kind: 'node', file: new URL('./programs/report.ts', import.meta.url) } as const;
const reportOf = async (container: LabContainer): Promise<Record<string, unknown>> =>
  JSON.parse(await container.line(/^\{/));
const read = (directory: string | undefined, file: string): string =>
  readFileSync(join(directory ?? '/nowhere', file), 'utf8').trim();
const files = openKernelFiles();

labTest('an unprivileged container is PID 1 in namespaces of its own, without any capability', async () => {
  const container = await start({ name: 'plain', program: { ...reporter, args: ['a b', "it's"] } });
  const report = await reportOf(container);
  expect(report).toMatchObject({
    hostname: 'plain',
    pid: 1,
    uid: 64321,
    processes: 1,
    interfaces: expect.arrayContaining(['lo:']),
    blocked: '0'.repeat(16),
    effective: '0'.repeat(16),
    bounding: '0'.repeat(16),
    noNewPrivileges: '1',
    sharedMemory: 64 * 1024 * 1024,
    environment: ['HOME', 'HOSTNAME', 'LANG', 'PATH'],
    arguments: ['a b', "it's"],
  });
  // It is in the root of its cgroup namespace in every hierarchy that labs use.
  const outside = (report.cgroups as string[]).filter(line => !/:\/$|devices|name=/.test(line));
  expect(outside).toEqual([]);
  const own = readNamespaces(files, container.init);
  const host = readNamespaces(files, hostPid(process.pid));
  if (!own.present || !host.present) throw new Error('namespaces cannot be read');
  const shared = namespaceKinds.filter(kind => own.value[kind] === host.value[kind]);
  expect(shared.filter(kind => kind !== 'time')).toEqual(['user']);
});

labTest('a root container has the capabilities that engines grant', async () => {
  const report = await reportOf(await start({ name: 'rooted', user: 'root', program: reporter }));
  expect(report).toMatchObject({ uid: 0, effective: '00000000a80425fb', bounding: '00000000a80425fb' });
});

labTest(
  'a root container has those capabilities that are asked for, or all; a uid of its own has none',
  async () => {
    const some = await start({ name: 'some', user: 'root', capabilities: ['CHOWN'], program: reporter });
    expect(await reportOf(some)).toMatchObject({ uid: 0, effective: '0000000000000001' });
    const all = await reportOf(await start({ name: 'all', privileged: true, program: reporter }));
    expect(all).toMatchObject({ uid: 0, effective: all.bounding });
    expect(all.bounding).not.toBe('00000000a80425fb');
    const user = await reportOf(await start({ name: 'user', user: { uid: 74_710 }, program: reporter }));
    expect(user).toMatchObject({ uid: 74_710, effective: '0000000000000000', noNewPrivileges: '1' });
  },
);

labTest('a seccomp filter answers the calls that are denied, and the limit of processes is set', async () => {
  const script =
    'mkdir /tmp/a 2>/dev/null && echo made || echo refused; grep -c processes.*55 /proc/self/limits; exec sleep 1000';
  const denied = ['mkdir', 'mkdirat'];
  const container = await start({
    name: 'filtered',
    deniedCalls: denied,
    processLimit: 55,
    program: shell(script),
  });
  expect(await container.line(/^made|refused$/)).toBe('refused');
  expect(await container.line(/^\d$/)).toBe('1');
  const other = await start({ name: 'open', deniedCalls: ['acct'], program: shell(script) });
  expect(await other.line(/^made|refused$/)).toBe('made');
});

labTest('a program starts with default signal dispositions, in a session of its own', async () => {
  const container = await start({ name: 'signals', program: shell('exec sleep 1000') });
  // Until the exec it is the shell, with handlers of its own.
  await expect.poll(() => orElse(readCmdline(files, container.init), [])[0]).toBe('sleep');
  const status = readStatus(files, container.init);
  const stat = readStat(files, container.init);
  if (!status.present || !stat.present) throw new Error('its status cannot be read');
  expect(status.value.signals).toMatchObject({ blocked: [], ignored: [], caught: [] });
  expect(stat.value.session).toBe(container.init);
});

labTest('limits, sysctls, sizes and binds are those of the specification', async () => {
  const run = openTestRun();
  const directory = await run.bench.directory('data');
  writeFileSync(join(directory, 'from-host'), 'host');
  const container = await run.bench.container({
    name: 'limited',
    program: reporter,
    limits: {
      memory: bytes(96 * 1024 * 1024),
      pids: 40,
      cpu: { quota: microseconds(50_000), period: microseconds(100_000), burst: microseconds(10_000) },
      cpus: [0],
      cpuShares: 2048,
    },
    parentLimits: { memory: bytes(128 * 1024 * 1024) },
    sysctls: { 'net.core.somaxconn': '77' },
    sharedMemorySize: bytes(8 * 1024 * 1024),
    binds: [
      { source: directory, target: '/data', writable: true },
      { source: '/etc/hostname', target: '/etc/read-only', writable: false },
    ],
  });
  expect(await reportOf(container)).toMatchObject({ somaxconn: '77', sharedMemory: 8 * 1024 * 1024 });
  const { memory, pids, cpu, cpuset } = container.directories;
  const memoryFile =
    memory !== undefined && existsSync(join(memory, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes';
  expect(read(memory, memoryFile)).toBe(String(96 * 1024 * 1024));
  expect(read(container.parentDirectories.memory, memoryFile)).toBe(String(128 * 1024 * 1024));
  expect(join(container.parentDirectories.memory ?? '', 'limited')).toBe(memory);
  expect(read(pids, 'pids.max')).toBe('40');
  expect(read(cpuset, 'cpuset.cpus')).toBe('0');
  expect(read(pids, 'cgroup.procs')).toBe(String(container.init));
  if (existsSync(join(cpu ?? '', 'cpu.max'))) expect(read(cpu, 'cpu.max')).toBe('50000 100000');
  else expect(read(cpu, 'cpu.cfs_quota_us')).toBe('50000');

  const inside = (command: string): ReturnType<LabContainer['run']> =>
    container.run(['sh', '-c', command], ['mnt', 'pid']);
  expect(
    await inside('cat /data/from-host; echo more > /data/from-inside; echo x > /etc/read-only'),
  ).toMatchObject({
    code: 2,
    output: expect.stringMatching(/^host.*[Rr]ead-only file system/s),
  });
  expect(read(directory, 'from-inside')).toBe('more');

  await container.setLimits({ pids: 60, cpu: { quota: 'max', period: microseconds(100_000) } });
  expect(read(pids, 'pids.max')).toBe('60');
});

labTest('what a container writes stays inside, and the host sees none of its mounts', async () => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  const container = await start({
    name: 'writer',
    user: 'root',
    program: shell(
      'echo x > /glassbox-test-file; ls /glassbox-test-file; echo y > /proc/sys/vm/swappiness || echo refused; sleep 1000',
    ),
  });
  expect(await container.line(/glassbox/)).toBe('/glassbox-test-file');
  expect(await container.line(/refused/)).toBe('refused');
  expect(existsSync('/glassbox-test-file')).toBe(false);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
});

labTest('a program is spoken to and heard line by line, and its end is told with its output', async () => {
  const container = await start({
    name: 'talker',
    program: shell(
      'while read word; do [ "$word" = end ] && echo last >&2 && exit 3; echo "heard $word"; done',
    ),
  });
  container.say('one');
  expect(await container.line(/heard/)).toBe('heard one');
  container.say('end');
  await expect(container.line(/never/)).rejects.toThrow(
    /talker: it ended before it printed \/never\/.*heard one\nlast/s,
  );
  await container.stop();
});

labTest('namespaces are shared on request', async () => {
  const container = await start({ name: 'sharing', program: sleeper, share: ['pid', 'net', 'ipc', 'uts'] });
  await container.line(/ready/);
  const own = readNamespaces(files, container.init);
  const host = readNamespaces(files, hostPid(process.pid));
  if (!own.present || !host.present) throw new Error('namespaces cannot be read');
  const shared = namespaceKinds.filter(
    kind => own.value[kind] === host.value[kind] && !/time|user/.test(kind),
  );
  expect(shared).toEqual(['ipc', 'net', 'pid', 'uts']);
  // Without PID 1 the oldest process stands for the container: it must be the program, not its launcher.
  const members = orElse(listProcesses(files), []).filter(pid => {
    const mounts = readNamespace(files, pid, 'mnt');
    return mounts.present && mounts.value === own.value.mnt;
  });
  expect(members).toEqual([container.init]);
  expect(orElse(readCmdline(files, container.init), [])).toContainEqual(
    expect.stringMatching(/sleep( 1000)?$/),
  );
});

labTest('stopping ends everything, also what PID 1 does not take along and what is frozen', async () => {
  const container = await start({
    name: 'storm',
    share: ['pid'],
    program: shell(
      'setsid sleep 1000 & echo ready; (while :; do sleep 0.01 & done) 2>/dev/null & exec sleep 1000',
    ),
    limits: { pids: 40 },
  });
  await container.line(/ready/);
  const { freezer } = container.directories;
  const states: Record<string, string> = { 'freezer.state': 'FROZEN', 'cgroup.freeze': '1' };
  for (const [file, value] of Object.entries(states)) {
    if (freezer !== undefined && existsSync(join(freezer, file))) writeFileSync(join(freezer, file), value);
  }
  await container.stop();
  for (const directory of Object.values(container.directories)) expect(existsSync(directory)).toBe(false);
});

labTest('a set-up that fails says why and leaves nothing', async () => {
  const wrong = { name: 'wrong', program: sleeper, sysctls: { 'net.core.no_such_thing': '1' } };
  await expect(start(wrong)).rejects.toThrow(/could not be made.*no_such_thing/s);
});

labTest('cgroups that a container made below its own go with it', async () => {
  const container = await start({ name: 'nested', program: sleeper });
  await container.line(/ready/);
  const below = join(container.directories.pids ?? '', 'below');
  await container.run(['mkdir', below], []);
  await container.run(['sh', '-c', `sleep 1000 > /dev/null 2>&1 & echo $! > ${below}/cgroup.procs`], []);
  expect(readdirSync(below).length).toBeGreaterThan(0);
  await container.stop();
  expect(existsSync(below)).toBe(false);
});
