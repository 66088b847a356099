import type { Bytes, CgroupPath, HostPid, Microseconds } from '../units.ts';

/** One run of the OOM killer as the kernel log tells it (mm/oom_kill.c dump_header, mm/memcontrol-v1.c). */
export interface OomReport {
  /** Since boot: the log's time stamp of the `oom-kill:` or `Killed process` line. */
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
  readonly memory: { readonly usage: Bytes; readonly limit: Bytes; readonly failures: number } | null;
  /** "Memory cgroup stats": key → bytes where the key is an amount, else the count; both the v1 single line and the multi-line form. */
  readonly stats: Readonly<Record<string, number>>;
  /** memory.oom.group made all tasks of the cgroup die. */
  readonly wholeGroup: boolean;
}

export interface OomVictim {
  readonly pid: HostPid;
  readonly name: string;
  readonly anonymous: Bytes;
  readonly file: Bytes;
  readonly shared: Bytes;
  readonly uid: number | null;
  readonly oomScoreAdjust: number | null;
}
