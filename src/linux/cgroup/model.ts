import type { Reading } from '../reading.ts';
import type { Bytes, CgroupPath, Limit, Microseconds } from '../units.ts';

/**
 * One model over cgroup v1, v2 and hybrid hosts. Where the versions differ in meaning the field's comment says
 * so; where one lacks a fact, the field is an absent Reading that says which version has it.
 *
 * Kernel documents: Documentation/admin-guide/cgroup-v1/*, Documentation/admin-guide/cgroup-v2.rst.
 */
export interface ControllerSamples {
  /** v1: the cpu and cpuacct hierarchies read together. v2: cpu. */
  readonly cpu: CpuSample;
  readonly cpuset: CpusetSample;
  readonly memory: MemorySample;
  readonly pids: PidsSample;
  /** v1: blkio. v2: io. */
  readonly io: IoSample;
  readonly hugetlb: HugetlbSample;
  readonly freezer: FreezerSample;
  /** PSI of the cgroup; on a hybrid host from the otherwise empty cgroup2 tree. */
  readonly pressure: PressureSample;
}

export type Controller = keyof ControllerSamples;
export const controllers = [
  'cpu',
  'cpuset',
  'memory',
  'pids',
  'io',
  'hugetlb',
  'freezer',
  'pressure',
] as const satisfies readonly Controller[];

export type CgroupVersion = 'v1' | 'v2';

/** Where each controller lives on this host. */
export interface CgroupLayout {
  /** hybrid: v1 controllers and a mounted cgroup2 tree side by side. */
  readonly mode: 'v1' | 'v2' | 'hybrid' | 'none';
  readonly hierarchies: readonly Hierarchy[];
}

export interface Hierarchy {
  readonly version: CgroupVersion;
  /** Kernel names: `cpu`, `cpuacct`, `blkio`, `name=systemd`; for v2 what cgroup.controllers lists. */
  readonly kernelControllers: readonly string[];
  readonly mountPoint: string;
  /** The part of the hierarchy that the mount shows, from mountinfo's root field; `/` on an ordinary host. */
  readonly mountRoot: CgroupPath;
}

/** A cgroup directory in one hierarchy, read twice. */
export interface CgroupLevel<S> {
  readonly path: CgroupPath;
  /** The directory on the machine the observation was taken on, as evidence: `/sys/fs/cgroup/memory/docker/…`. */
  readonly directory: string;
  readonly version: CgroupVersion;
  /** Inode of the directory: a different one in the second sample means the cgroup was made again. */
  readonly first: Reading<Sampled<S>>;
  readonly last: Reading<Sampled<S>>;
}

export interface Sampled<S> {
  readonly inode: number;
  readonly value: S;
}

export interface CpuSample {
  /** v1 cpuacct.usage (ns, divided), v2 cpu.stat usage_usec. */
  readonly usage: Reading<Microseconds>;
  readonly quota: Reading<CpuQuota>;
  /** v1 cpu.shares (default 1024); v2 cpu.weight (default 100). */
  readonly weight: Reading<CpuWeight>;
  readonly throttling: Reading<CpuThrottling>;
}

export interface CpuQuota {
  /** CPU time per period; v1 cpu.cfs_quota_us, v2 first field of cpu.max. */
  readonly quota: Limit<Microseconds>;
  readonly period: Microseconds;
  /** Unused quota that may be carried over; kernel 5.14 and later. */
  readonly burst: Reading<Microseconds>;
}

export interface CpuWeight {
  readonly kind: 'shares' | 'weight';
  readonly value: number;
}

/** cpu.stat. Counters grow from the cgroup's creation; a cgroup without a quota counts no periods. */
export interface CpuThrottling {
  readonly periods: number;
  readonly throttledPeriods: number;
  /** Summed over CPUs: two CPUs throttled for 50 ms are 100 ms. v1 throttled_time (ns), v2 throttled_usec. */
  readonly throttledTime: Microseconds;
}

export interface CpusetSample {
  /** CPUs that tasks may really use, expanded: [0, 1]. */
  readonly cpus: readonly number[];
  readonly memoryNodes: readonly number[];
}

export interface MemorySample {
  readonly usage: Bytes;
  /** v1 memory.limit_in_bytes (2^63 rounded down to a page means none), v2 memory.max. */
  readonly limit: Limit<Bytes>;
  /** v2 memory.high. */
  readonly high: Reading<Limit<Bytes>>;
  /** Highest usage ever; v1 max_usage_in_bytes, v2 memory.peak (5.19). */
  readonly peak: Reading<Bytes>;
  /**
   * How often a charge hit the limit: v1 memory.failcnt and memory.memsw.failcnt, v2 memory.events(.local) max.
   * Reclaim may have helped: not an OOM.
   */
  readonly limitHits: Reading<number>;
  /** How often tasks were held up at memory.high: v2 memory.events(.local) high. */
  readonly highHits?: number;
  /**
   * Processes killed by the memory controller in this very cgroup, without its descendants:
   * v1 memory.oom_control oom_kill (4.13), v2 memory.events.local oom_kill (5.3; before, memory.events).
   */
  readonly oomKills: Reading<number>;
  /**
   * The same with all descendants, where a nested cgroup's processes are killed by this one's limit. v2:
   * memory.events oom_kill (5.2). v1 and older kernels have no such counter: it is summed over the directories
   * below a container's own cgroup, and absent for other cgroups and above 64 directories.
   */
  readonly subtreeOomKills: Reading<number>;
  /** v1 memory.oom_control; always false on v2. */
  readonly oomKillDisabled: boolean;
  /** v1 under_oom: tasks wait for memory right now. */
  readonly underOom: boolean;
  /** v2 memory.oom.group. */
  readonly oomGroup: boolean;
  readonly swap: Reading<SwapSample>;
  readonly breakdown: Reading<MemoryBreakdown>;
}

export interface SwapSample {
  readonly usage: Bytes;
  /** v1 memsw limits memory *plus* swap; v2 memory.swap.max limits swap alone. */
  readonly limitMeans: 'memory-and-swap' | 'swap';
  readonly limit: Limit<Bytes>;
}

/** memory.stat, hierarchical (v1: the total_ fields): what the usage is made of. Bytes and event counts. */
export interface MemoryBreakdown {
  /** Private memory of processes; without shmem. v1 rss, v2 anon. */
  readonly anonymous: Bytes;
  /** Page cache of files, without shmem. v1 cache − shmem, v2 file − shmem. */
  readonly file: Bytes;
  /** tmpfs files, SysV and POSIX shared memory, memfd. */
  readonly shared: Bytes;
  /** v1: kernel memory as a whole (memory.kmem.usage_in_bytes). v2: memory.stat kernel (5.18) or slab + stack + pagetables + … */
  readonly kernel: Reading<Bytes>;
  readonly slab: Reading<Bytes>;
  /** v2 alone: what of the kernel memory is which. */
  readonly kernelParts?: KernelParts;
  /** v2 alone: buffers of its sockets, beside `kernel`. v1 counts those of TCP apart from the memory usage. */
  readonly sockets?: Bytes;
  readonly inactiveFile: Bytes;
  readonly activeFile: Bytes;
  readonly inactiveAnonymous: Bytes;
  readonly activeAnonymous: Bytes;
  readonly unevictable: Bytes;
  readonly dirty: Bytes;
  readonly writeback: Bytes;
  readonly mapped: Bytes;
  /** File pages that were evicted and were needed again (5.9; before, workingset_refault). */
  readonly fileRefaults: Reading<number>;
  /** Pages that had been swapped out lately and were needed again, tmpfs included (5.9). */
  readonly anonymousRefaults?: number;
  readonly majorFaults: number;
  readonly anonymousHuge: Reading<Bytes>;
}

export interface KernelParts {
  /** slab_reclaimable: names and inodes of files that nobody has open; those of tmpfs count here but stay. */
  readonly reclaimableSlab: Bytes;
  /** kernel_stack, of all threads. */
  readonly stacks: Bytes;
  readonly pageTables: Bytes;
  readonly otherSlab?: Bytes;
  /** percpu (5.9): counters and maps that exist once for each CPU. */
  readonly perCpu?: Bytes;
}

export interface PidsSample {
  /** Tasks (threads) charged, zombies included. */
  readonly current: number;
  readonly limit: Limit<number>;
  /** Forks refused: pids.events max (4.8). From 6.11 on v2 pids.events counts descendants; pids.events.local is preferred. */
  readonly refusals: Reading<number>;
  /** Most tasks ever: pids.peak (Linux 6.11); left out where there is none. */
  readonly peak?: number;
}

export interface IoSample {
  /** Bytes and operations this cgroup issued, by `major:minor`. */
  readonly devices: readonly IoDevice[];
  /**
   * v1's root alone: what was issued in the root cgroup itself, without its descendants. Write-back of the page cache is
   * there, whoever wrote the data.
   */
  readonly ownDevices?: readonly IoDevice[];
  readonly limits: readonly IoLimit[];
  readonly weight: Reading<number>;
  /** v2's root alone: devices that io.cost shares out by weight. */
  readonly costOn?: readonly string[];
}

export interface IoDevice {
  readonly device: string;
  readonly readBytes: Bytes;
  readonly writtenBytes: Bytes;
  readonly reads: number;
  readonly writes: number;
}

export interface IoLimit {
  readonly device: string;
  readonly kind: 'read-bytes' | 'write-bytes' | 'reads' | 'writes';
  /** Per second. */
  readonly perSecond: number;
}

export interface HugetlbSample {
  readonly sizes: readonly {
    /** As the kernel names it: `2MB`. */
    readonly size: string;
    readonly usage: Bytes;
    readonly limit: Limit<Bytes>;
    /**
     * Requests refused. v1: by the limit of this very cgroup, at a page fault. v2: to tasks of this cgroup, at a fault
     * or a reservation, by whichever limit on the way to the root.
     */
    readonly failures: number;
    /** v1 max_usage_in_bytes. */
    readonly peak?: Bytes;
    /** What mmap(2) promised beforehand, and its limit of its own (5.7). */
    readonly reserved?: {
      readonly usage: Bytes;
      readonly limit: Limit<Bytes>;
      /** v1 alone; v2 counts them in `failures`. */
      readonly failures?: number;
    };
  }[];
}

export interface FreezerSample {
  readonly state: 'thawed' | 'freezing' | 'frozen';
}

export interface PressureSample {
  readonly cpu: Reading<Pressure>;
  readonly memory: Reading<Pressure>;
  readonly io: Reading<Pressure>;
}

/** Documentation/accounting/psi.rst. Totals in µs of stall time, averages in percent. */
export interface Pressure {
  readonly some: PressureLine;
  /** Not counted for cpu before 5.13, and always zero at the system level. */
  readonly full: Reading<PressureLine>;
}

export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: Microseconds;
}
