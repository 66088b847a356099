import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Controller } from '../linux/cgroup/model.ts';
import { bytes } from '../linux/units.ts';
import type { Journal } from './journal.ts';
import type { Limits } from './lab.ts';
import { signalQuietly, waitSync } from './processes.ts';

interface HostHierarchy {
  readonly version: 'v1' | 'v2';
  readonly names: readonly string[];
  readonly mountPoint: string;
  /** What it has for the model. */
  readonly controllers: readonly Controller[];
}

/** One cgroup of ours: a directory in each hierarchy of the host. */
export interface LabCgroup {
  readonly directories: Readonly<Partial<Record<Controller, string>>>;
  /** Every directory once, also of v1 hierarchies that are no controller of the model (cpuacct). */
  readonly all: readonly string[];
}

const wanted = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'freezer', 'hugetlb'];
const v2Wanted = ['cpu', 'cpuset', 'memory', 'pids', 'io'];

export function hostHierarchies(): readonly HostHierarchy[] {
  const found = new Map<string, HostHierarchy>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const mountPoint = before.split(' ')[4] ?? '';
    if (type === 'cgroup2') {
      const names = readFileSync(join(mountPoint, 'cgroup.controllers'), 'utf8').trim().split(' ');
      found.set('v2', { version: 'v2', names, mountPoint, controllers: controllersOf('v2', names) });
    }
    const names = options.split(',').filter(name => wanted.includes(name));
    if (type === 'cgroup' && names.length > 0) {
      found.set(names.join(), { version: 'v1', names, mountPoint, controllers: controllersOf('v1', names) });
    }
  }
  return [...found.values()];
}

function controllersOf(version: 'v1' | 'v2', names: readonly string[]): readonly Controller[] {
  if (version === 'v1') {
    return names.flatMap(name =>
      name === 'blkio' ? ['io'] : name === 'cpuacct' ? [] : [name as Controller],
    );
  }
  return [
    ...v2Wanted.filter(name => names.includes(name)).map(name => name as Controller),
    'freezer',
    'pressure',
  ];
}

/** Makes `/glassbox/<run>/…parts` in every hierarchy, journalled level by level. */
export function makeCgroup(journal: Journal, parts: readonly string[]): LabCgroup {
  const directories: Partial<Record<Controller, string>> = {};
  const all: string[] = [];
  for (const hierarchy of hostHierarchies()) {
    const levels = ['glassbox', journal.run, ...parts];
    let directory = hierarchy.mountPoint;
    levels.forEach((level, depth) => {
      enableControllers(journal, hierarchy, directory, depth === 0);
      directory = join(directory, level);
      if (existsSync(directory)) return;
      journal.record({ kind: depth === 0 ? 'shared-cgroup' : 'cgroup', directory });
      mkdirSync(directory, { recursive: true });
      if (hierarchy.names.includes('cpuset') && hierarchy.version === 'v1') inheritCpuset(directory);
    });
    all.push(directory);
    for (const controller of hierarchy.controllers) {
      // A controller bound to v1 wins over the one of the same name in cgroup2: only one can hold it.
      if (directories[controller] === undefined || hierarchy.version === 'v1')
        directories[controller] = directory;
    }
  }
  return { directories, all };
}

/** v2: children have a controller only when their parent hands it on. What the host's root handed on is put back. */
function enableControllers(
  journal: Journal,
  { version, names }: HostHierarchy,
  directory: string,
  isRoot: boolean,
): void {
  if (version !== 'v2') return;
  const file = join(directory, 'cgroup.subtree_control');
  const enabled = readFileSync(file, 'utf8').trim().split(' ');
  const missing = v2Wanted.filter(name => names.includes(name) && !enabled.includes(name));
  if (missing.length === 0) return;
  if (isRoot) journal.record({ kind: 'controllers', directory, names: missing.join(' ') });
  for (const name of missing) writeFileSync(file, `+${name}`);
}

/** EBUSY, when somebody hands them on by now, leaves them enabled. */
export function disableControllers(directory: string, names: string): void {
  for (const name of names.split(' ')) writeQuietly(join(directory, 'cgroup.subtree_control'), `-${name}`);
}

/** v1: a new cpuset is empty, and no process may join it before it has CPUs and memory nodes. */
function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(directory, file), readFileSync(join(directory, '..', file), 'utf8'));
  }
}

const isV1 = (directory: string, file: string): boolean => existsSync(join(directory, file));
const write = (directory: string | undefined, file: string, value: string | number): void => {
  if (directory !== undefined) writeFileSync(join(directory, file), String(value));
};

export const defaultLimits: Limits = { memory: bytes(256 * 1024 * 1024), pids: 128 };

export function writeLimits({ directories }: LabCgroup, limits: Limits): void {
  const { memory, pids, cpu, cpus, cpuShares } = limits;
  if (memory !== undefined) writeMemory(directories.memory, memory);
  if (pids !== undefined) write(directories.pids, 'pids.max', pids);
  if (cpu !== undefined) writeQuota(directories.cpu, cpu);
  if (cpus !== undefined) write(directories.cpuset, 'cpuset.cpus', cpus.join(','));
  if (cpuShares !== undefined && directories.cpu !== undefined) {
    if (isV1(directories.cpu, 'cpu.shares')) write(directories.cpu, 'cpu.shares', cpuShares);
    // The conversion of runc and crun: 2…262144 onto 1…10000.
    else write(directories.cpu, 'cpu.weight', 1 + Math.floor(((cpuShares - 2) * 9999) / 262142));
  }
}

/** Without swap, so that a limit means the same on every host. */
function writeMemory(directory: string | undefined, memory: NonNullable<Limits['memory']>): void {
  if (directory === undefined) return;
  if (!isV1(directory, 'memory.limit_in_bytes')) {
    write(directory, 'memory.max', memory);
    if (existsSync(join(directory, 'memory.swap.max'))) write(directory, 'memory.swap.max', 0);
    return;
  }
  const value = memory === 'max' ? -1 : memory;
  const both = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'].filter(file =>
    existsSync(join(directory, file)),
  );
  // limit ≤ memsw at every moment: downwards the limit goes first, upwards memsw.
  const previous = Number(readFileSync(join(directory, 'memory.limit_in_bytes'), 'utf8'));
  const isUpwards = memory === 'max' || memory > previous;
  for (const file of isUpwards ? both.reverse() : both) write(directory, file, value);
}

function writeQuota(directory: string | undefined, cpu: NonNullable<Limits['cpu']>): void {
  if (directory === undefined) return;
  const { quota, period, burst = 0 } = cpu;
  const v1 = isV1(directory, 'cpu.cfs_quota_us');
  const burstFile = v1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst';
  const hasBurst = existsSync(join(directory, burstFile));
  if (burst > 0 && !hasBurst) throw new Error(`${directory}: this kernel has no CPU burst (needs 5.14)`);
  // burst ≤ quota at every moment.
  if (hasBurst) write(directory, burstFile, 0);
  if (v1) {
    write(directory, 'cpu.cfs_period_us', period);
    write(directory, 'cpu.cfs_quota_us', quota === 'max' ? -1 : quota);
  } else write(directory, 'cpu.max', `${quota} ${period}`);
  if (burst > 0) write(directory, burstFile, burst);
}

/**
 * Ends every process in the cgroup and below and removes the directories. EBUSY right after the last process
 * ended is normal: its exit is not yet through with the cgroup.
 */
export function removeCgroupSync(directory: string, timeoutMs = 5000): boolean {
  return waitSync(() => {
    killAllIn(directory);
    return tryRemoveTree(directory);
  }, timeoutMs);
}

export function killAllIn(directory: string): void {
  // A frozen process does not even die.
  writeQuietly(join(directory, 'freezer.state'), 'THAWED');
  writeQuietly(join(directory, 'cgroup.kill'), '1');
  for (const pid of processesIn(directory)) signalQuietly(pid, 'SIGKILL');
  for (const child of childrenOf(directory)) killAllIn(child);
}

function tryRemoveTree(directory: string): boolean {
  for (const child of childrenOf(directory)) tryRemoveTree(child);
  return removeEmptyCgroup(directory);
}

/** True when it is gone. */
export function removeEmptyCgroup(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

export function processesIn(directory: string): readonly number[] {
  try {
    // 0 stands for a process outside of our pid namespace: not ours to signal.
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8')
      .split('\n')
      .map(Number)
      .filter(pid => pid > 0);
  } catch {
    return [];
  }
}

function childrenOf(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(entry => join(directory, entry.name));
  } catch {
    return [];
  }
}

/** Never makes a file: outside of a cgroup file system that would leave something behind. */
function writeQuietly(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' });
  } catch {
    // This hierarchy or kernel has no such file.
  }
}
