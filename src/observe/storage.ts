import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../containers/container.ts';
import { readStrictDirtyLimit } from '../linux/bdi.ts';
import { isNearlyFull } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import { type DiskStat, readDiskstats } from '../linux/proc/host/diskstats.ts';
import { readVmstat } from '../linux/proc/host/vmstat.ts';
import { type ProcessIo, readProcessIo } from '../linux/proc/io.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import type { Reading } from '../linux/reading.ts';
import { isAtLimit } from '../linux/syscalls/project-quota.ts';
import { type HostPid, pages } from '../linux/units.ts';
import { type CopiedUp, readCopiedUp } from './copied-up.ts';
import { briefly, readDiskUse } from './disk-use.ts';
import { disksBetween } from './disks.ts';
import { createFileSystemObserver, type FileSystemFacts } from './file-systems.ts';
import type { ContainerFacts, HostFacts, ProcessFacts, WriteBackFacts } from './observation.ts';
import { createSleepSampler } from './sleeps.ts';

/** What storage cases look at beyond cgroups: disks, room on file systems, what processes wrote and where they wait. */
export interface StorageObserver {
  /** At both ends of the window. */
  sample(): void;
  /** Passes the time until then, by performance.now(), and looks at sleeping tasks meanwhile. */
  waitUntil(end: number): Promise<void>;
  readonly host: () => Pick<HostFacts, 'disks' | 'writeBack'>;
  readonly container: (container: Container) => Pick<ContainerFacts, 'fileSystems' | 'diskUse' | 'copiedUp'>;
  readonly process: (facts: ProcessFacts) => ProcessFacts;
}

export interface StorageOptions {
  readonly containers: readonly Container[];
  readonly processes: readonly HostPid[];
  /** Whether processes other than init are asked about, and what costs time for each. */
  readonly inDetail: boolean;
  readonly mountsOf: (init: HostPid) => Reading<readonly Mount[]>;
  readonly hostMounts: Reading<readonly Mount[]>;
}

const lookEveryMs = 50;
/** Whose upper directories are walked: when a whole host is looked at, there is no time for that. */
const mostWalked = 8;
/** One file each, twice. */
const mostProcesses = 2000;

export function createStorageObserver(files: KernelFiles, options: StorageOptions): StorageObserver {
  const { containers, processes, inDetail, mountsOf, hostMounts } = options;
  const fileSystems = createFileSystemObserver(files, containers, mountsOf, hostMounts);
  const sleeps = createSleepSampler(files, processes, inDetail);
  const asked = inDetail && processes.length <= mostProcesses ? processes : [];
  let disksBefore: Reading<readonly DiskStat[]> | undefined;
  let disks: Reading<readonly DiskStat[]> | undefined;
  let ioBefore = new Map<HostPid, ProcessIo>();
  let io = new Map<HostPid, ProcessIo>();
  let found: ReadonlyMap<HostPid, ProcessFacts['sleeps']> | undefined;
  let began = Date.now();
  const copiedIn = (all: readonly FileSystemFacts[], init: HostPid): readonly CopiedUp[] =>
    all.flatMap(each => readCopiedUp(files, each, began, init) ?? []);
  return {
    sample() {
      if (disks === undefined) began = Date.now();
      disksBefore = disks;
      disks = readDiskstats(files);
      fileSystems.sample();
      ioBefore = io;
      io = readIo(files, asked);
    },
    async waitUntil(end) {
      for (;;) {
        const left = end - performance.now();
        if (left <= 0) return;
        await sleep(Math.min(left, lookEveryMs));
        sleeps.look();
      }
    },
    host: () => ({
      ...(disks === undefined || disksBefore === undefined
        ? {}
        : disksBetween(disksBefore, disks, device => readStrictDirtyLimit(files, device))),
      ...readWriteBack(files),
    }),
    container(container) {
      const { init } = container;
      if (init === null) return {};
      const all = fileSystems.finish(init, inDetail);
      if (!inDetail) return { fileSystems: all };
      const copiedUp = containers.length > mostWalked ? {} : { copiedUp: copiedIn(all, init) };
      const full = all.filter(
        ({ last, quota }) => isNearlyFull(last) || (quota !== undefined && isAtLimit(quota)),
      );
      if (full.length === 0) return { fileSystems: all, ...copiedUp };
      const walk = { container, fileSystems: full, mounts: mountsOf(init), hostMounts, bounds: briefly };
      return { fileSystems: all, diskUse: readDiskUse(files, walk), ...copiedUp };
    },
    process(facts) {
      found ??= sleeps.finish();
      const before = ioBefore.get(facts.pid);
      const after = io.get(facts.pid);
      const slept = found.get(facts.pid);
      // Times of both samples: it is the same process, not a later one of its pid.
      const isSame = facts.scheduler.present;
      return {
        ...facts,
        ...(before === undefined || after === undefined || !isSame || after.written < before.written
          ? {}
          : { io: { first: before, last: after } }),
        ...(slept === undefined ? {} : { sleeps: slept }),
      };
    },
  };
}

function readIo(files: KernelFiles, pids: readonly HostPid[]): Map<HostPid, ProcessIo> {
  const all = new Map<HostPid, ProcessIo>();
  for (const pid of pids) {
    const io = readProcessIo(files, pid);
    if (io.present) all.set(pid, io.value);
  }
  return all;
}

function readWriteBack(files: KernelFiles): { readonly writeBack?: WriteBackFacts } {
  const vmstat = readVmstat(files);
  if (!vmstat.present) return {};
  const count = (name: string): number | undefined => vmstat.value.get(name);
  const dirty = count('nr_dirty');
  const writeBack = count('nr_writeback');
  const threshold = count('nr_dirty_threshold');
  const background = count('nr_dirty_background_threshold');
  if (dirty === undefined || writeBack === undefined) return {};
  if (threshold === undefined || background === undefined) return {};
  return {
    writeBack: {
      dirty: pages(dirty),
      writeBack: pages(writeBack),
      threshold: pages(threshold),
      background: pages(background),
    },
  };
}
