import type { KernelFiles } from '../linux/files.ts';
import { listThreads } from '../linux/proc/process.ts';
import { readStat, readThreadStat } from '../linux/proc/stat.ts';
import { readThreadWchan, readWchan } from '../linux/proc/wchan.ts';
import { orElse } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';

/** How often within the window threads of a process were found in uninterruptible sleep, and where in the kernel. */
export interface Sleeps {
  /** Looks at each of its threads, evenly over the window. */
  readonly looks: number;
  /** By kernel function: in how many of these looks at least one of its threads slept there. */
  readonly channels: Readonly<Record<string, number>>;
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
  const seen = new Map<HostPid, Map<string, number>>();
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
      for (const channel of channelsOf(files, pid, leader.value.state, leader.value.threads)) {
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
          : [...seen].map(([pid, counts]) => [pid, { looks, channels: Object.fromEntries(counts) }]),
      ),
  };
}

function channelsOf(files: KernelFiles, pid: HostPid, state: string, threads: number): ReadonlySet<string> {
  const channels = new Set<string>();
  if (threads === 1) {
    const channel = state === 'D' ? readWchan(files, pid) : undefined;
    if (channel?.present === true) channels.add(channel.value);
    return channels;
  }
  for (const thread of orElse(listThreads(files, pid), [])) {
    const stat = readThreadStat(files, pid, thread);
    if (!stat.present || stat.value.state !== 'D') continue;
    const channel = readThreadWchan(files, pid, thread);
    if (channel.present) channels.add(channel.value);
  }
  return channels;
}
