import type { KernelFiles } from '../linux/files.ts';
import { readChildren } from '../linux/proc/children.ts';
import { listThreads } from '../linux/proc/process.ts';
import { readStack } from '../linux/proc/stack.ts';
import { readStat, readThreadStat } from '../linux/proc/stat.ts';
import { readThreadWchan, readWchan } from '../linux/proc/wchan.ts';
import { orElse } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';

/**
 * How often within the window threads of a process, or of a child that it has just started, were found in uninterruptible
 * sleep, and where in the kernel.
 */
export interface Sleeps {
  /** Looks at each of its threads, evenly over the window. */
  readonly looks: number;
  /** By kernel function: in how many of these looks at least one of its threads slept there. */
  readonly channels: Readonly<Record<string, number>>;
  /**
   * In how many of them a thread slept, on behalf of the memory limit of some cgroup, until room was made: reclaim was
   * on its kernel stack. Left out where none did or stacks cannot be read.
   */
  readonly reclaiming?: number;
}

export interface SleepSampler {
  look(): void;
  /** By process; one that was never found in such a sleep is left out. */
  finish(): ReadonlyMap<HostPid, Sleeps>;
}

/** One look costs some 15 µs a thread: with more of them than these the window would be spent on looking. */
const mostProcesses = 64;
const mostThreads = 128;

/**
 * Looks at the states of a few processes again and again: uninterruptible sleeps are short, and one look at the end
 * of the window would miss most. Above the bounds nothing is looked at, and no process has `sleeps`.
 */
export function createSleepSampler(
  files: KernelFiles,
  pids: readonly HostPid[],
  isAsked: boolean,
): SleepSampler {
  const watched = isAsked && pids.length <= mostProcesses ? pids : [];
  const known = new Set(watched);
  const seen = new Map<HostPid, Map<string, number>>();
  const reclaiming = new Map<HostPid, number>();
  let looks = 0;
  let isTooMuch = false;
  const look = (): void => {
    if (isTooMuch) return;
    looks += 1;
    let threads = 0;
    for (const pid of watched) {
      const leader = readStat(files, pid);
      if (!leader.present) continue;
      threads += leader.value.threads;
      if (threads > mostThreads) {
        isTooMuch = true;
        return;
      }
      const own = sleepsOf(files, pid, leader.value.state, leader.value.threads);
      const channels = new Set(own.channels);
      let { reclaims } = own;
      for (const child of newChildren(files, pid, known)) {
        const stat = readStat(files, child);
        if (!stat.present) continue;
        threads += stat.value.threads;
        const theirs = sleepsOf(files, child, stat.value.state, stat.value.threads);
        for (const channel of theirs.channels) channels.add(channel);
        reclaims ||= theirs.reclaims;
      }
      if (reclaims) reclaiming.set(pid, (reclaiming.get(pid) ?? 0) + 1);
      for (const channel of channels) {
        const counts = seen.get(pid) ?? new Map<string, number>();
        seen.set(pid, counts.set(channel, (counts.get(channel) ?? 0) + 1));
      }
    }
  };
  return {
    look,
    finish: () =>
      new Map(
        isTooMuch
          ? []
          : [...seen].map(([pid, counts]) => {
              const times = reclaiming.get(pid);
              const sleeps = { looks, channels: Object.fromEntries(counts) };
              return [pid, times === undefined ? sleeps : { ...sleeps, reclaiming: times }];
            }),
      ),
  };
}

/**
 * try_charge_memcg() and memory.high's penalty; the names have been these since 3.x and 4.19. The static ones below them
 * are inlined by some compilers.
 */
const reclaimFunctions: ReadonlySet<string> = new Set([
  'try_to_free_mem_cgroup_pages',
  'mem_cgroup_handle_over_high',
  '__mem_cgroup_handle_over_high',
]);

function sleepsOf(
  files: KernelFiles,
  pid: HostPid,
  state: string,
  threads: number,
): { readonly channels: ReadonlySet<string>; readonly reclaims: boolean } {
  const asleep =
    threads > 1
      ? orElse(listThreads(files, pid), []).filter(thread => isAsleep(files, pid, thread))
      : state === 'D'
        ? [pid]
        : [];
  const channels = asleep.flatMap(thread => {
    const channel = threads === 1 ? readWchan(files, pid) : readThreadWchan(files, pid, thread);
    return channel.present ? [channel.value] : [];
  });
  const reclaims = asleep.some(thread =>
    orElse(readStack(files, pid, thread), []).some(name => reclaimFunctions.has(name)),
  );
  return { channels: new Set(channels), reclaims };
}

/** A shell's commands come and go within the window, and nobody else watches them. */
const newChildren = (files: KernelFiles, pid: HostPid, known: ReadonlySet<HostPid>): readonly HostPid[] =>
  orElse(readChildren(files, pid), []).filter(child => !known.has(child));

function isAsleep(files: KernelFiles, pid: HostPid, thread: HostPid): boolean {
  const stat = readThreadStat(files, pid, thread);
  return stat.present && stat.value.state === 'D';
}
