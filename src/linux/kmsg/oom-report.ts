import type { Bytes, CgroupPath, HostPid, Limit, Microseconds, Pages } from '../units.ts';

/** One run of the OOM killer as the kernel log tells it (mm/oom_kill.c, mm/memcontrol.c). */
export interface OomReport {
  /** Since boot, without suspended time: the log's time stamp of the `oom-kill:` or `Killed process` line. */
  readonly at: Microseconds;
  readonly constraint: 'memcg' | 'none' | 'cpuset' | 'mempolicy' | 'unknown';
  /** Who asked for the page that could not be had. */
  readonly invokedBy: {
    readonly name: string;
    readonly order: number | null;
    readonly gfpMask: string | null;
  } | null;
  /** The cgroup whose limit was hit (oom_memcg); null without a memory cgroup constraint. */
  readonly limitingCgroup: CgroupPath | null;
  /** The cgroup of the victim (task_memcg). */
  readonly victimCgroup: CgroupPath | null;
  readonly victims: readonly OomVictim[];
  /** `memory: usage …kB, limit …kB, failcnt …` of the limiting cgroup. */
  readonly memory: OomCounter | null;
  /** The line that follows: memory plus swap on v1, swap alone on v2. On v1 this one may be the limit that was hit. */
  readonly swap: (OomCounter & { readonly limitMeans: 'memory-and-swap' | 'swap' }) | null;
  /**
   * "Memory cgroup stats": memory.stat's keys, amounts in bytes, the others as counts. Kernels before 5.2 print
   * one line per cgroup of the subtree: the plain keys are the limiting cgroup's own, `total_…` the sum, as in
   * v1's memory.stat.
   */
  readonly stats: Readonly<Record<string, number>>;
  /** The processes the kernel chose from, largest first, at most 20. */
  readonly candidates: readonly OomCandidate[];
  /** memory.oom.group made all tasks of the cgroup die. */
  readonly wholeGroup: boolean;
}

export interface OomCounter {
  readonly usage: Bytes;
  readonly limit: Limit<Bytes>;
  readonly failures: number;
}

/** A row of "Tasks state". */
export interface OomCandidate {
  readonly pid: HostPid;
  readonly name: string;
  readonly uid: number;
  readonly resident: Pages;
  readonly swapped: Pages;
  readonly oomScoreAdjust: number;
}

export interface OomVictim {
  readonly pid: HostPid;
  readonly name: string;
  readonly anonymous: Bytes;
  /** Before 4.5 with `shared` in it, which is 0 then. */
  readonly file: Bytes;
  readonly shared: Bytes;
  readonly uid: number | null;
  readonly oomScoreAdjust: number | null;
}
