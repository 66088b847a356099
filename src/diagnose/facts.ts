import type { Container } from '../containers/container.ts';
import type { CgroupVersion, ControllerSamples } from '../linux/cgroup/model.ts';
import type { OomReport } from '../linux/kmsg/oom-report.ts';
import type { HugePagePool } from '../linux/mm/hugepages.ts';
import type { TransparentHugePages } from '../linux/mm/transparent_hugepage.ts';
import type { ConntrackStat } from '../linux/net/conntrack-stat.ts';
import type { VirtualServices } from '../linux/net/ip_vs.ts';
import { absent, present, type Reading } from '../linux/reading.ts';
import type { CgroupPath, Microseconds } from '../linux/units.ts';
import type { CopiedUp } from '../observe/copied-up.ts';
import type { DiskUse } from '../observe/disk-use.ts';
import type { FileSystemFacts } from '../observe/file-systems.ts';
import type { HugeMemory } from '../observe/huge-memory.ts';
import type { IpcTwin } from '../observe/ipc-twins.ts';
import type { NetworkPlace, Receiver } from '../observe/networks.ts';
import type {
  HostFacts,
  IsolationFacts,
  Listener,
  ProcessFacts,
  SharedMemoryFacts,
  SignalFetching,
  UnlinkedFile,
} from '../observe/observation.ts';
import type { OpenDevice } from '../observe/open-devices.ts';
import type { OutsideUse } from '../observe/outside-use.ts';
import type { ReachFacts } from '../observe/reach/path.ts';
import type { Relay } from '../observe/relays.ts';
import type { SeccompLog } from '../observe/seccomp-log.ts';
import type { CpuSoftirqs } from '../observe/softirqs.ts';
import type { TcpFacts } from '../observe/tcp.ts';
import type { UidUsage } from '../observe/uid-usage.ts';
import type { Traced } from '../trace/results.ts';
import type { DiskNeighbour } from './disk-neighbours.ts';

/** Everything a rule can ask for, by name. A rule gets exactly what its case declares in `needs` and `mayUse`. */
export interface FactsByName {
  /** PID 1 of the container. */
  readonly init: ProcessFacts;
  readonly processes: readonly ProcessFacts[];
  readonly initSignals: SignalFetching;
  readonly cpu: Chain<ControllerSamples['cpu']>;
  readonly cpuset: Chain<ControllerSamples['cpuset']>;
  /** Who else used CPUs in the window, the most first. */
  readonly neighbours: readonly Neighbour[];
  readonly memory: Chain<ControllerSamples['memory']>;
  readonly pids: Chain<ControllerSamples['pids']>;
  readonly io: Chain<ControllerSamples['io']>;
  /** Who else moved data on disks in the window, the most first. */
  readonly diskNeighbours: readonly DiskNeighbour[];
  readonly hugetlb: Chain<ControllerSamples['hugetlb']>;
  readonly freezer: Chain<ControllerSamples['freezer']>;
  readonly pressure: Chain<ControllerSamples['pressure']>;
  readonly hugePagePools: readonly HugePagePool[];
  readonly transparentHugePages: TransparentHugePages;
  readonly oomReports: readonly OomReport[];
  readonly sharedMemory: SharedMemoryFacts;
  readonly hugeMemory: readonly HugeMemory[];
  readonly ipcTwins: readonly IpcTwin[];
  readonly unlinkedFiles: readonly UnlinkedFile[];
  /** The file systems on disks that it may write to. */
  readonly fileSystems: readonly FileSystemFacts[];
  /** Of those that are nearly full: what it has there, and who else has them. */
  readonly diskUse: readonly DiskUse[];
  /** Of its overlays: what was copied up from lower layers. */
  readonly copiedUp: readonly CopiedUp[];
  readonly networkCounters: {
    readonly first: Readonly<Record<string, number>>;
    readonly last: Readonly<Record<string, number>>;
  };
  readonly listeners: readonly Listener[];
  /** What softirqs did on each CPU of the machine. */
  readonly softirqs: readonly CpuSoftirqs[];
  /** For how long the container's own cgroup ran on each CPU, by number. */
  readonly cpuByCpu: Readonly<Record<string, Microseconds>>;
  readonly tcp: TcpFacts;
  /** Programs at its gateway that hand connections to it. */
  readonly relays: readonly Relay[];
  /** The network namespaces connected with those that were looked at. */
  readonly networks: readonly NetworkPlace[];
  /** Devices that received most packets meanwhile, in whatever namespace. */
  readonly receivers: readonly Receiver[];
  /** Of IPVS, in the host's network namespace. */
  readonly virtualServices: VirtualServices;
  /** Of the container's network namespace. */
  readonly conntrack: { readonly first: ConntrackStat; readonly last: ConntrackStat };
  readonly containerSysctls: Readonly<Record<string, string>>;
  readonly hostSysctls: Readonly<Record<string, string>>;
  /** net.* values of a network namespace made now. */
  readonly defaultSysctls: Readonly<Record<string, string>>;
  /** Where its packets go: what was asked for, and connections that wait in vain. */
  readonly reach: ReachFacts;
  readonly isolation: IsolationFacts;
  readonly openDevices: readonly OpenDevice[];
  /** What of the host it is seen to use. */
  readonly outsideUse: OutsideUse;
  /** What instruments saw in the kernel in the window; absent, because of needs-trace, without `diagnose --deep`. */
  readonly traced: Traced;
  readonly uidUsage: readonly UidUsage[];
  /** What the kernel log has of seccomp filters since it started. */
  readonly seccompLog: SeccompLog;
}
export type FactName = keyof FactsByName;

/** What every rule may look at: who the container is and when it was looked at. */
export interface CommonFacts {
  readonly container: Container;
  readonly host: HostFacts;
  readonly windowMs: number;
  /** ISO 8601. */
  readonly observedAt: string;
}

export type Facts<Needs extends FactName, MayUse extends FactName> = CommonFacts &
  Pick<FactsByName, Needs> & { readonly [Name in MayUse]: Reading<FactsByName[Name]> };

/** A container's cgroup in one hierarchy and all above it: the limit that acts may be an ancestor's. */
export interface Chain<S> {
  readonly own: Level<S>;
  /** Nearest first; the last one is the hierarchy's root. */
  readonly ancestors: readonly Level<S>[];
  /** `own` also holds processes that are not the container's: what was counted there may be another's doing. */
  readonly shared: boolean;
}

/**
 * Somebody with whom the container has to share CPUs. The kernel shares among siblings by weight on each level, so
 * the container meets it as a member of the cgroup whose sibling it is.
 */
export interface Neighbour {
  /** The container's own cgroup, or the one above that competes with this neighbour. */
  readonly member: Level<ControllerSamples['cpu']>;
  /** The sibling; null for tasks that are directly in `path`, beside the member or, in a shared cgroup, within it. */
  readonly level: Level<ControllerSamples['cpu']> | null;
  readonly path: CgroupPath;
  readonly used: Microseconds;
  /** CPUs it may run on, where known. */
  readonly cpus: readonly number[] | null;
  /** Observed containers in it. */
  readonly containers: readonly string[];
}

export interface Level<S> {
  readonly path: CgroupPath;
  readonly directory: string;
  readonly version: CgroupVersion;
  /** Absent when the cgroup was not there yet, or was made again, between the samples: then there are no rates. */
  readonly first: Reading<S>;
  readonly last: S;
}

/** Own cgroup first, root last. */
export const levelsOf = <S>(chain: Chain<S>): readonly Level<S>[] => [chain.own, ...chain.ancestors];

/**
 * How much a counter grew during the window. Refused when the cgroup was made again or the counter went back:
 * a rate across that would be invented.
 */
export function growth<S>(level: Level<S>, counter: (sample: S) => Reading<number>): Reading<number> {
  if (!level.first.present) return level.first;
  const before = counter(level.first.value);
  const after = counter(level.last);
  if (!before.present) return before;
  if (!after.present) return after;
  if (after.value < before.value)
    return absent(level.directory, 'vanished', 'a counter went back between the samples; look again');
  return present(after.value - before.value);
}
