import type { Container, EngineNotice } from '../containers/container.ts';
import type { DeviceRule } from '../linux/cgroup/devices.ts';
import type { CgroupLayout, CgroupLevel, Controller, ControllerSamples } from '../linux/cgroup/model.ts';
import type { OomReport } from '../linux/kmsg/oom-report.ts';
import type { HugePagePool } from '../linux/mm/hugepages.ts';
import type { TransparentHugePages } from '../linux/mm/transparent_hugepage.ts';
import type { NamespaceKind, Namespaces } from '../linux/namespaces.ts';
import type { ConntrackStat } from '../linux/net/conntrack-stat.ts';
import type { VirtualServices } from '../linux/net/ip_vs.ts';
import type { ProcessIo } from '../linux/proc/io.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import type { SchedulerTimes } from '../linux/proc/schedstat.ts';
import type { ProcessStatus } from '../linux/proc/status.ts';
import type { Reading } from '../linux/reading.ts';
import type { Bytes, CgroupPath, ClockTicks, HostPid, Microseconds, Pages } from '../linux/units.ts';
import type { Traced } from '../trace/results.ts';
import type { CopiedUp } from './copied-up.ts';
import type { DiskUse } from './disk-use.ts';
import type { DiskFacts } from './disks.ts';
import type { FileSystemFacts } from './file-systems.ts';
import type { HugeMemory } from './huge-memory.ts';
import type { IpcTwin } from './ipc-twins.ts';
import type { NetworkPlace, Receiver } from './networks.ts';
import type { OpenDevice } from './open-devices.ts';
import type { OutsideUse } from './outside-use.ts';
import type { ReachFacts } from './reach/path.ts';
import type { Relay } from './relays.ts';
import type { SeccompLog } from './seccomp-log.ts';
import type { Sleeps } from './sleeps.ts';
import type { CpuSoftirqs } from './softirqs.ts';
import type { TcpFacts } from './tcp.ts';
import type { UidUsage } from './uid-usage.ts';

/**
 * Everything a diagnosis may look at, as plain data: the host, its containers, two samples and the window
 * between them. It is what `glassbox observe -o` writes, `diagnose --from` reads, tests replay, and people
 * attach to a bug report. Field names are a public interface; a change of meaning raises `version`.
 */
export const observationVersion = 1;

export interface Observation {
  readonly kind: 'glassbox-observation';
  readonly version: typeof observationVersion;
  /** ISO 8601, when the second sample was complete. */
  readonly observedAt: string;
  /** Milliseconds between the two samples, by the monotonic clock. */
  readonly windowMs: number;
  readonly host: HostFacts;
  readonly cgroups: CgroupTables;
  readonly containers: readonly ContainerFacts[];
  readonly notices: readonly EngineNotice[];
}

/**
 * Every cgroup any container is in, and all their ancestors up to the root, once each; of cpu, cpuset and io also the
 * siblings on each level, which compete with them.
 */
export type CgroupTables = {
  readonly [C in Controller]: Readonly<Record<CgroupPath, CgroupLevel<ControllerSamples[C]>>>;
};

export interface HostFacts {
  readonly kernel: string;
  readonly architecture: string;
  readonly cgroup: CgroupLayout;
  /** Online CPUs. */
  readonly cpus: number;
  /** For how long each of them ran anything in the window, by number; interrupts count, stolen time does not. */
  readonly cpuBusy?: Readonly<Record<string, Microseconds>>;
  /** For how long each had nothing to run; waiting for a disk is idle. In a guest the rest of the window was stolen. */
  readonly cpuIdle?: Readonly<Record<string, Microseconds>>;
  /** What softirqs did on each of them in the window. */
  readonly softirqs?: Reading<readonly CpuSoftirqs[]>;
  readonly memory: Bytes;
  /** MemAvailable: what new work could get of it. */
  readonly memoryAvailable?: Bytes;
  /** ISO 8601. */
  readonly bootedAt: string;
  /** For how long it was suspended since then, left out when it never was: the kernel log's clock stood still. */
  readonly suspended?: Microseconds;
  readonly loadAverage: Reading<readonly [number, number, number]>;
  /** Bounding set of pid 1: no process of the host gets a capability that is not in it. */
  readonly capabilities?: readonly number[];
  /** The observer's own namespaces: what a container is compared with. pid 1's where readable. */
  readonly namespaces: Namespaces;
  /** net.* values of the host's network namespace, by dotted name: `net.core.somaxconn` → `4096`. */
  readonly networkSysctls: Reading<Readonly<Record<string, string>>>;
  /** What a network namespace made now starts with; where the host's value differs, somebody tuned the host. */
  readonly networkSysctlDefaults: Reading<Readonly<Record<string, string>>>;
  /** The network namespaces that the containers' are connected with, and their own; when few containers are looked at. */
  readonly networks?: Reading<readonly NetworkPlace[]>;
  /** Devices of any namespace that received most. */
  readonly receivers?: Reading<readonly Receiver[]>;
  /** The host's own table of tracked connections, which containers behind its NAT are in too. */
  readonly conntrack?: Reading<{ readonly first: ConntrackStat; readonly last: ConntrackStat }>;
  /** Huge pages that the host has set aside, by size. */
  readonly hugePagePools?: Reading<readonly HugePagePool[]>;
  /** Where the kernel uses huge pages without being asked for each. */
  readonly transparentHugePages?: Reading<TransparentHugePages>;
  /** Disks that did anything in the window, by number: `7:0`. */
  readonly disks?: Readonly<Record<string, DiskFacts>>;
  /** Write-back of the page cache of the whole host, at the end of the window. */
  readonly writeBack?: WriteBackFacts;
  /** OOM reports still in the kernel log, oldest first. */
  readonly oomReports: Reading<readonly OomReport[]>;
  /** Of IPVS, in the initial network namespace; left out where many containers are looked at. */
  readonly virtualServices?: Reading<VirtualServices>;
}

/** nr_* of /proc/vmstat. */
export interface WriteBackFacts {
  readonly dirty: Pages;
  readonly writeBack: Pages;
  /** From here on whoever writes has to wait; half way between this and `background` it begins. */
  readonly threshold: Pages;
  /** From here on the kernel writes back without being asked. */
  readonly background: Pages;
}

export interface ContainerFacts {
  readonly container: Container;
  /** Every process that is in the container's pid namespace or cgroup, in both samples, by host pid. */
  readonly processes: readonly ProcessFacts[];
  readonly initSignals: Reading<SignalFetching>;
  readonly memoryFiles: Reading<SharedMemoryFacts>;
  /** Its System V segments whose key and size another ipc namespace has too. */
  readonly ipcTwins?: Reading<readonly IpcTwin[]>;
  /** Its processes with transparent huge pages, the most first. */
  readonly hugeMemory?: Reading<readonly HugeMemory[]>;
  /** Descriptors of its processes that keep unlinked files of at least 1 MiB alive. */
  readonly unlinkedFiles: Reading<readonly UnlinkedFile[]>;
  /** The file systems on disks that it may write to. */
  readonly fileSystems?: readonly FileSystemFacts[];
  /** What it has on those of them that are nearly full; left out when none is. */
  readonly diskUse?: readonly DiskUse[];
  /** Of its overlays that the host can look into; left out when nobody asked for so much. */
  readonly copiedUp?: readonly CopiedUp[];
  /** For how long its own cgroup ran on each CPU in the window, by number; cgroup v1 only. */
  readonly cpuByCpu?: Reading<Readonly<Record<string, Microseconds>>>;
  readonly network: NetworkFacts;
  /** What the kernel log has of seccomp filters since it started. */
  readonly seccompLog?: Reading<SeccompLog>;
  /** Where its packets go: connections that wait in vain, and what was asked about. Only when few containers are looked at. */
  readonly reach?: Reading<ReachFacts>;
  readonly isolation: Reading<IsolationFacts>;
  /** Devices that it has open; looked for where nodes of the host's disks or memory are within its reach. */
  readonly openDevices?: Reading<readonly OpenDevice[]>;
  /** What of the host it uses; left out where it has nothing in common with the host, or many containers are listed. */
  readonly outsideUse?: Reading<OutsideUse>;
  /** What instruments saw in the window; left out unless it was asked for (`diagnose --deep`). */
  readonly traced?: Traced;
  /** Other containers, by name, that are in a namespace of its which is not the host's: those of its pod, for one. */
  readonly namespacePeers?: Readonly<Partial<Record<NamespaceKind, readonly string[]>>>;
  /** For each uid of its processes; left out where many containers are merely listed. */
  readonly uidUsage?: Reading<readonly UidUsage[]>;
}

export interface ProcessFacts {
  readonly pid: HostPid;
  readonly startTime: ClockTicks;
  readonly status: ProcessStatus;
  /** Whether the same process (pid and start time) was a zombie in the first sample too. */
  readonly zombieInBothSamples: boolean;
  /** argv, at most 4 KiB; empty for zombies and kernel threads. */
  readonly commandLine: readonly string[];
  /** Target of /proc/<pid>/exe as the container names it. */
  readonly executable: Reading<string>;
  readonly oomScoreAdjust: Reading<number>;
  /** Kernel function a sleeping task waits in; read for tasks in D only. */
  readonly waitChannel: Reading<string>;
  /** Of all its threads together. */
  readonly scheduler: Reading<{ readonly first: SchedulerTimes; readonly last: SchedulerTimes }>;
  /** What it read from and wrote to storage; left out where nobody asked for more than the init processes. */
  readonly io?: { readonly first: ProcessIo; readonly last: ProcessIo };
  /** Its uninterruptible sleeps, from many looks; left out when it was never found in one, or was not looked at. */
  readonly sleeps?: Sleeps;
  /** Its threads that were in one and the same uninterruptible sleep for the whole window; left out when none was. */
  readonly blocked?: readonly BlockedTask[];
}

/** A thread in state D that was on no CPU between the samples. */
export interface BlockedTask {
  readonly thread: HostPid;
  readonly name: string;
  /** Kernel function it sleeps in. */
  readonly waitChannel: Reading<string>;
  /** Kernel functions that called it, innermost first. */
  readonly stack: Reading<readonly string[]>;
}

/** How PID 1 gets signals other than by a handler: a blocked signal is not lost when somebody fetches it. */
export interface SignalFetching {
  /** Signals in the masks of its signalfds. */
  readonly descriptorSignals: readonly number[];
  /** Kernel functions that its threads sleep in, once each: `do_sigtimedwait`, `sigsuspend`, `do_wait`. */
  readonly waitChannels: readonly string[];
  /**
   * Signals whose handler is taken away as it runs (SA_RESETHAND), which is how a runtime ends itself by its own
   * signal: the handler sends it again for the default action, and the kernel drops that for PID 1. Read by a BPF
   * task iterator, for runtimes whose masks do not tell (Node).
   */
  readonly oneShotSignals: Reading<readonly number[]>;
}

export interface SharedMemoryFacts {
  /** tmpfs mounts inside the container that hold something, or many files; largest first. */
  readonly mounts: readonly {
    readonly path: string;
    readonly used: Bytes;
    /** 0: mounted without a size. */
    readonly size: Bytes;
    readonly largest: readonly SharedFile[];
    /** False when there were too many files to look at all. */
    readonly complete: boolean;
    /** Inodes in use; left out where the mount counts none. */
    readonly inodes?: number;
    /** The directory with the most entries, when there are many. */
    readonly fullest?: { readonly path: string; readonly entries: number };
  }[];
  /** System V segments of the container's ipc namespace. */
  readonly segments: Reading<
    readonly {
      readonly key: number;
      readonly id: number;
      readonly size: Bytes;
      readonly resident: Bytes;
      readonly attached: number;
    }[]
  >;
  /** Files without a name, still mapped or open: memfd, unlinked tmpfs files, shared anonymous memory (`/dev/zero`). */
  readonly unlinked: readonly SharedFile[];
}

export interface SharedFile {
  readonly path: string;
  /** Allocated. */
  readonly size: Bytes;
}

export interface UnlinkedFile {
  readonly pid: HostPid;
  readonly descriptor: number;
  /** As the link says, without ` (deleted)`. */
  readonly path: string;
  /** Allocated bytes, which is what the disk misses. */
  readonly allocated: Bytes;
  readonly size: Bytes;
  /** Identity of the file, so that several descriptors of one file count once. */
  readonly device: number;
  readonly inode: number;
  readonly filesystem: Reading<{
    readonly type: string;
    readonly mountPoint: string;
    readonly total: Bytes;
    readonly available: Bytes;
  }>;
  readonly openForWriting: boolean;
  /** Whether this process could read it back: scratch files are, logs are only written. */
  readonly openForReading: boolean;
  /** O_APPEND: every write goes to the end, the way logs are written. */
  readonly appendOnly: boolean;
  /** O_TMPFILE: it never had a name, so it is a scratch file on purpose. */
  readonly madeUnnamed: boolean;
  /** ISO 8601: last change of the contents. */
  readonly modifiedAt: string;
}

export interface NetworkFacts {
  /** Name → value of /proc/<pid>/net/{snmp,netstat}: `TcpExt.ListenOverflows`. */
  readonly counters: Reading<{
    readonly first: Readonly<Record<string, number>>;
    readonly last: Readonly<Record<string, number>>;
  }>;
  readonly listeners: Reading<readonly Listener[]>;
  /**
   * net.* sysctls as the container's network namespace has them: all when few namespaces are looked at, else those
   * that somebody tuned on the host and those that cases ask for.
   */
  readonly sysctls: Reading<Readonly<Record<string, string>>>;
  /** Programs at its gateway that hand connections to it, those that do now; left out when many containers are looked at. */
  readonly relays?: readonly Relay[];
  /** What its table of tracked connections went through; absent where nothing is tracked at all. */
  readonly conntrack?: Reading<{ readonly first: ConntrackStat; readonly last: ConntrackStat }>;
  /** Its TCP connections, counted by destination, and those on which nothing moves. */
  readonly tcp?: Reading<TcpFacts>;
}

/** A listening TCP socket, from sock_diag in the container's network namespace. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Connections waiting for accept() (ss: Recv-Q). */
  readonly queued: number;
  /** The limit in force: min(backlog, somaxconn) when listen() was called (ss: Send-Q). /proc/net/tcp lacks it. */
  readonly backlog: Reading<number>;
  /**
   * Packets that opened or completed a connection to this very socket and were dropped (SK_MEMINFO_DROPS): since
   * it was made, and in the window. A retried attempt counts again.
   */
  readonly dropped: Reading<{ readonly total: number; readonly inWindow: number }>;
  readonly inode: number;
  /**
   * Process that holds it. Not always one of this container: a pod shares its network namespace, and so does the
   * host. Looked up only for a socket that is full or dropped something in the window.
   */
  readonly process: HostPid | null;
}

export interface IsolationFacts {
  /** Lines of /proc/<pid>/uid_map of the init process. */
  readonly uidMap: readonly { readonly inside: number; readonly outside: number; readonly count: number }[];
  readonly userNamespaceIsHost: boolean;
  readonly mounts: readonly Mount[];
  /** The mounts whose files the host has under a path of its own, in the kernel's order. */
  readonly hostMounts: readonly HostMount[];
  /** Block and raw-memory nodes in the container's /dev that the devices cgroup lets it open. */
  readonly hostDevices: readonly string[];
  /** The devices cgroup; absent on cgroup v2, where an eBPF program decides. */
  readonly deviceRules: Reading<readonly DeviceRule[]>;
  /** What a Linux security module calls the init process: `docker-default (enforce)`, `unconfined`. */
  readonly securityLabel: Reading<string>;
}

export interface HostMount {
  /** Inside the container. */
  readonly mountPoint: string;
  readonly hostPath: string;
  readonly type: string;
  readonly writable: boolean;
}
