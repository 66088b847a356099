import type { Container, EngineNotice } from '../containers/container.ts';
import { groupProcesses } from '../containers/members.ts';
import { type ProcessScan, scanProcesses } from '../containers/scan.ts';
import { detectLayout } from '../linux/cgroup/layout.ts';
import {
  type CgroupLayout,
  type Controller,
  controllers,
  type MemoryBreakdown,
} from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readKmsg } from '../linux/kmsg/read.ts';
import { parseSeccompRecords } from '../linux/kmsg/seccomp-record.ts';
import { readHugePagePools } from '../linux/mm/hugepages.ts';
import { type Namespaces, readInitialNamespaces } from '../linux/namespaces.ts';
import { readVirtualServices } from '../linux/net/ip_vs.ts';
import { readHostStat } from '../linux/proc/host/stat.ts';
import { type Mount, readMountinfo } from '../linux/proc/mountinfo.ts';
import { absent, flatMapReading, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { createSampler } from '../linux/sampler.ts';
import { reserveDescriptors } from '../linux/syscalls/descriptors.ts';
import { type Bytes, type HostPid, hostPid } from '../linux/units.ts';
import { createCgroupObserver } from './cgroups.ts';
import { type CpuUse, cpuUseBetween, readCpuUse } from './cpu-by-cpu.ts';
import { readHost } from './host.ts';
import { busyBetween } from './host-cpus.ts';
import { notAsked, readHugeMemory } from './huge-memory.ts';
import { createActionReader, readInitSignals } from './init-signals.ts';
import { findIpcTwins } from './ipc-twins.ts';
import { readHostMounts, readIsolation } from './isolation.ts';
import { peersOf } from './namespace-peers.ts';
import { createNetworkObserver } from './network.ts';
import {
  type CgroupTables,
  type ContainerFacts,
  type Observation,
  observationVersion,
  type ProcessFacts,
} from './observation.ts';
import { findOpenDevices } from './open-devices.ts';
import { findOutsideUse } from './outside-use.ts';
import {
  findSameProcesses,
  finishProcesses,
  mostKept,
  type Named,
  type ProcessSamples,
  sampleProcesses,
} from './processes.ts';
import { createReachObserver, type ReachRequest } from './reach/observe.ts';
import { seccompLogOf } from './seccomp-log.ts';
import { readSharedMemory } from './shared-memory.ts';
import { sampleSoftirqs, softirqsBetween } from './softirqs.ts';
import { createStorageObserver } from './storage.ts';
import { createUidTable, notCounted, type UidTable } from './uid-usage.ts';
import { findUnlinkedFiles } from './unlinked-files.ts';

export interface ObserveScope {
  readonly controllers: readonly Controller[];
  /** Whose command line, executable and oom_score_adj are read. */
  readonly programs: 'all' | 'inits';
}

const everything: ObserveScope = { controllers, programs: 'all' };

export interface ObserveOptions {
  readonly containers: readonly Container[];
  readonly notices: readonly EngineNotice[];
  /** Milliseconds from the start of one sample to the start of the other. */
  readonly windowMs: number;
  /** What is looked at, when not everything is wanted: opening the files of a hundred containers takes its time. */
  readonly scope?: ObserveScope;
  /** All containers that are known: those in the way of the chosen ones are named. */
  readonly known?: readonly Container[];
  /** The processes that the containers were just found among, so as not to look for them again. */
  readonly scan?: Reading<ProcessScan>;
  /** A destination whose way is to be walked from each of the containers. */
  readonly reach?: ReachRequest | undefined;
}

/**
 * Two samples of the given containers and everything above them. What can be counted is read twice, at the ends of
 * the window. What merely is (mounts, programs, open files) is read once, within it, where time passes anyway; but
 * listeners, shared memory and the kernel log belong to counters, and are read with the second sample.
 */
export async function observe(files: KernelFiles, options: ObserveOptions): Promise<Observation> {
  const { containers, windowMs, scan = scanProcesses(files), scope = everything } = options;
  const layout = orElse(detectLayout(files), noCgroups);
  const sampler = createSampler({ root: files.root });
  const cgroups = createCgroupObserver(files, layout, {
    sampler,
    asked: withoutIdle(files, scope.controllers),
  });
  const inits = containers.flatMap(({ init }) => (init === null ? [] : [init]));
  const network = createNetworkObserver(files, inits, scope.programs === 'all');
  const mounts = new Map(inits.map(init => [init, readMountinfo(files, init)]));
  const hostMounts = readHostMounts(files);
  const membersBefore = groupProcesses(files, containers, scan);
  const pids = [...membersBefore.values()].flat();
  const storage = createStorageObserver(files, {
    containers,
    processes: pids,
    inDetail: scope.programs === 'all',
    mountsOf: init => mounts.get(init) ?? readMountinfo(files, init),
    hostMounts,
  });
  const reach = createReachObserver(files, containers, options);

  reserveFor(
    containers.length * scope.controllers.length * filesOfController + Math.min(pids.length, mostKept),
  );
  const readCpus = () => ({
    stat: readHostStat(files),
    softirqs: sampleSoftirqs(files),
    uses: new Map(
      containers.length <= fewContainers
        ? containers.map(container => [container.id, readCpuUse(files, layout, container)])
        : [],
    ),
  });
  const cpusBefore = readCpus();
  const begin = performance.now();
  cgroups.sample(containers);
  network.sample();
  storage.sample();
  reach.begin();
  const named: Named = scope.programs === 'all' ? 'all' : new Set(inits);
  // A stored tree has no processes that its files could be bound to.
  const processFiles = files.root === '/' ? { ...files, file: sampler.file } : files;
  const processes = sampleProcesses(processFiles, pids, named);
  const known = options.known ?? containers;
  const uids = scope.programs === 'all' ? createUidTable(files, known, scan) : undefined;
  const all =
    scope.programs === 'all' && containers.length <= fewContainers && scan.present
      ? scan.value.processes.map(({ pid }) => pid)
      : undefined;
  const still = readStill(files, containers, membersBefore, { hostMounts, mounts, uids, known, all });
  network.look();
  await storage.waitUntil(begin + windowMs);
  const passed = performance.now() - begin;
  const cpusAfter = readCpus();
  const cpuBusy = busyBetween(cpusBefore.stat, cpusAfter.stat);
  const softirqs = softirqsBetween(
    [cpusBefore.stat, cpusAfter.stat],
    [cpusBefore.softirqs, cpusAfter.softirqs],
  );
  cgroups.sample(containers);
  network.sample();
  storage.sample();
  const ways = await reach.finish();

  const log = readKmsg(files);
  const refusals = mapReading(log, parseSeccompRecords);
  const { members, same, living } = regroup(files, containers, scan, processes);
  const findings = network.finish(byInit(containers, members));
  const host = {
    ...readHost(files, layout, still.namespaces, log),
    ...cpuBusy,
    softirqs,
    ...findings.host,
    ...(scope.programs === 'all' && containers.length <= fewContainers
      ? { virtualServices: readVirtualServices(files, hostPid(1)) }
      : {}),
    ...storage.host(),
  };
  const tables = cgroups.tables();
  sampler.close();
  return {
    kind: 'glassbox-observation',
    version: observationVersion,
    observedAt: new Date().toISOString(),
    windowMs: Math.round(passed),
    host,
    cgroups: tables,
    containers: containers.map(container => {
      const pids = members.get(container.id) ?? [];
      const own = new Set([...(membersBefore.get(container.id) ?? []), ...pids]);
      const seccompLog = seccompLogOf(refusals, container, { own, all: living });
      return container.init === null
        ? { container, processes: [], seccompLog, ...nothingRuns }
        : {
            container,
            seccompLog,
            ...withHugeMemory(
              finishProcesses(files, pids, processes, same, named).map(storage.process),
              found =>
                scope.programs === 'all' && containers.length <= fewContainers
                  ? readHugeMemory(
                      files,
                      found,
                      charged(tables, container, ({ anonymousHuge }) => anonymousHuge),
                    )
                  : notAsked,
            ),
            ...(scope.programs === 'all' && containers.length <= fewContainers
              ? { ipcTwins: findIpcTwins(files, container, known) }
              : {}),
            memoryFiles: readSharedMemory(
              files,
              container,
              pids,
              charged(tables, container, ({ shared }) => present(shared)),
              charged(tables, container, ({ kernel }) => kernel),
            ),
            ...cpuByCpu(cpusBefore.uses.get(container.id), cpusAfter.uses.get(container.id)),
            ...storage.container(container),
            network: findings.containers.get(container.init) ?? nothingRuns.network,
            ...reachOf(ways, container),
            ...(still.containers.get(container.id) ?? nothingRuns),
          };
    }),
    notices: options.notices,
  };
}

/** For what costs tens of milliseconds a container. */
const fewContainers = 10;

const withHugeMemory = (
  processes: readonly ProcessFacts[],
  read: (processes: readonly ProcessFacts[]) => NonNullable<ContainerFacts['hugeMemory']>,
): Pick<ContainerFacts, 'processes' | 'hugeMemory'> => ({ processes, hugeMemory: read(processes) });

/** Where no huge page is set aside or may be, the files of the hugetlb controller have nothing to say. */
function withoutIdle(files: KernelFiles, asked: readonly Controller[]): readonly Controller[] {
  if (!asked.includes('hugetlb')) return asked;
  const pools = orElse(readHugePagePools(files), []);
  return pools.some(({ total, mayGrowBy }) => total + mayGrowBy > 0)
    ? asked
    : asked.filter(controller => controller !== 'hugetlb');
}

const cpuByCpu = (
  first: Reading<CpuUse> | undefined,
  last: Reading<CpuUse> | undefined,
): Pick<ContainerFacts, 'cpuByCpu'> =>
  first === undefined || last === undefined ? {} : { cpuByCpu: cpuUseBetween(first, last) };

/** On average, cgroup v1 and v2 alike. */
const filesOfController = 5;
/** Fewer than this Node's table has from the start, less what it uses itself. */
const roomAnyway = 192;

function reserveFor(descriptors: number): void {
  if (descriptors > roomAnyway) reserveDescriptors(descriptors + roomAnyway);
}

/** Who is in which container now. Who was there before and is the same process still is where it was. */
function regroup(
  files: KernelFiles,
  containers: readonly Container[],
  scan: Reading<ProcessScan>,
  processes: ProcessSamples,
) {
  const same = findSameProcesses(files, processes);
  const unchanged = mapReading(
    scan,
    earlier =>
      new Map(earlier.processes.flatMap(process => (same.has(process.pid) ? [[process.pid, process]] : []))),
  );
  const now = scanProcesses(files, orElse(unchanged, new Map()));
  const living = new Set(now.present ? now.value.processes.map(({ pid }) => pid) : []);
  return { members: groupProcesses(files, containers, now), same, living };
}

const noCgroups: CgroupLayout = { mode: 'none', hierarchies: [] };

type Still = Pick<
  ContainerFacts,
  'initSignals' | 'unlinkedFiles' | 'isolation' | 'openDevices' | 'outsideUse' | 'uidUsage' | 'namespacePeers'
>;

/** What merely is, by the id of each container that runs. */
function readStill(
  files: KernelFiles,
  containers: readonly Container[],
  members: ReadonlyMap<string, readonly HostPid[]>,
  read: {
    readonly hostMounts: Reading<readonly Mount[]>;
    readonly mounts: ReadonlyMap<HostPid, Reading<readonly Mount[]>>;
    readonly uids: UidTable | undefined;
    readonly known: readonly Container[];
    /** Every process of the host, where what is done outside is to be looked for. */
    readonly all: readonly HostPid[] | undefined;
  },
): { readonly namespaces: Namespaces; readonly containers: ReadonlyMap<string, Still> } {
  const namespaces = readInitialNamespaces(files);
  const readActions = createActionReader();
  const still = new Map<string, Still>();
  for (const container of containers) {
    const { id, init } = container;
    if (init === null) continue;
    const mounts = read.mounts.get(init) ?? readMountinfo(files, init);
    const isolation = readIsolation(files, container, { namespaces, mounts: read.hostMounts }, mounts);
    still.set(id, {
      initSignals: readInitSignals(files, init, readActions),
      unlinkedFiles: findUnlinkedFiles(files, members.get(id) ?? [], mounts),
      isolation,
      ...peersOf(container, read.known, namespaces),
      ...(isolation.present && isolation.value.hostDevices.length > 0
        ? { openDevices: findOpenDevices(files, members.get(id) ?? [], mounts) }
        : {}),
      ...(isolation.present && read.all !== undefined
        ? outsideUseOf(files, container, {
            members: members.get(id) ?? [],
            all: read.all,
            isolation: isolation.value,
            host: namespaces,
          })
        : {}),
      uidUsage: read.uids?.of(container) ?? notCounted,
    });
  }
  return { namespaces, containers: still };
}

const outsideUseOf = (
  ...[files, container, around]: Parameters<typeof findOutsideUse>
): Pick<ContainerFacts, 'outsideUse'> => {
  const outsideUse = findOutsideUse(files, container, around);
  return outsideUse === undefined ? {} : { outsideUse };
};

const reachOf = (
  ways: ReadonlyMap<string, NonNullable<ContainerFacts['reach']>>,
  { id }: Container,
): Pick<ContainerFacts, 'reach'> => {
  const reach = ways.get(id);
  return reach === undefined ? {} : { reach };
};

const byInit = (
  containers: readonly Container[],
  members: ReadonlyMap<string, readonly HostPid[]>,
): ReadonlyMap<HostPid, readonly HostPid[]> =>
  new Map(containers.flatMap(({ id, init }) => (init === null ? [] : [[init, members.get(id) ?? []]])));

/** An amount charged to its own memory cgroup: without shared or kernel memory there is nothing to look for in tmpfs. */
function charged(
  { memory }: CgroupTables,
  { cgroups }: Container,
  amount: (breakdown: MemoryBreakdown) => Reading<Bytes>,
): Reading<Bytes> {
  const level = cgroups.memory === undefined ? undefined : memory[cgroups.memory];
  if (level === undefined) return absent('memory.stat', 'vanished', 'the cgroup was removed; look again');
  return flatMapReading(level.last, ({ value }) => flatMapReading(value.breakdown, amount));
}

const exited = absent('the container', 'vanished', 'it has exited; start it again and look while it runs');
const nothingRuns = {
  initSignals: exited,
  memoryFiles: exited,
  unlinkedFiles: exited,
  network: { counters: exited, listeners: exited, sysctls: exited },
  isolation: exited,
} as const;
