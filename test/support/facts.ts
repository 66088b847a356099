import type { Container } from '../../src/containers/container.ts';
import type { Chain, CommonFacts, Level } from '../../src/diagnose/facts.ts';
import type {
  CgroupVersion,
  CpuSample,
  IoSample,
  MemoryBreakdown,
  MemorySample,
  PidsSample,
  PressureSample,
} from '../../src/linux/cgroup/model.ts';
import type { OomReport } from '../../src/linux/kmsg/oom-report.ts';
import type { ProcessStatus } from '../../src/linux/proc/status.ts';
import { absent, present } from '../../src/linux/reading.ts';
import {
  bytes,
  cgroupPath,
  clockTicks,
  hostPid,
  limitOf,
  microseconds,
  noLimit,
  nsPid,
} from '../../src/linux/units.ts';
import type { DiskUse } from '../../src/observe/disk-use.ts';
import type { DiskFacts } from '../../src/observe/disks.ts';
import type { FileSystemFacts } from '../../src/observe/file-systems.ts';
import type { HostFacts, IsolationFacts, ProcessFacts } from '../../src/observe/observation.ts';

/**
 * Typed builders for rule tests: a quiet, healthy value of each fact, to be changed where the test says so.
 * They are for tables of variations; the shape itself is checked on captured observations.
 */
export const notThere = absent('the fact', 'disabled', 'this test leaves it out');

export const container = (change: Partial<Container> = {}): Container => ({
  id: 'pid-4711',
  name: 'web-1',
  engine: 'bare',
  state: 'running',
  init: hostPid(4711),
  startedAt: '2026-11-23T10:00:00.000Z',
  image: null,
  cgroups: {
    cpu: cgroupPath('/box/web-1'),
    memory: cgroupPath('/box/web-1'),
    pids: cgroupPath('/box/web-1'),
  },
  sharedCgroups: [],
  namespaces: {},
  labels: {},
  pod: null,
  exit: null,
  ...change,
});

export const host = (change: Partial<HostFacts> = {}): HostFacts => ({
  kernel: '6.1.0',
  architecture: 'x64',
  cgroup: { mode: 'v1', hierarchies: [] },
  cpus: 2,
  memory: bytes(8 * 2 ** 30),
  bootedAt: '2026-11-20T10:00:00.000Z',
  loadAverage: present([0.1, 0.1, 0.1]),
  namespaces: {},
  networkSysctls: present({}),
  networkSysctlDefaults: present({}),
  oomReports: present([]),
  ...change,
});

export const common = (change: Partial<CommonFacts> = {}): CommonFacts => ({
  container: container(),
  host: host(),
  windowMs: 1000,
  observedAt: '2026-11-23T12:00:00.000Z',
  ...change,
});

/** A level whose two samples are given; the first defaults to the last, that is: nothing moved. */
export const level = <S>(
  path: string,
  last: S,
  first: S = last,
  version: CgroupVersion = 'v1',
): Level<S> => ({
  path: cgroupPath(path),
  directory: `/sys/fs/cgroup/test${path === '/' ? '' : path}`,
  version,
  first: present(first),
  last,
});

/** Own cgroup first, then its ancestors. */
export const chain = <S>(own: Level<S>, ...ancestors: readonly Level<S>[]): Chain<S> => ({
  own,
  ancestors,
  shared: false,
});

export const cpuSample = (change: Partial<CpuSample> = {}): CpuSample => ({
  usage: present(microseconds(0)),
  quota: present({ quota: noLimit, period: microseconds(100_000), burst: present(microseconds(0)) }),
  weight: present({ kind: 'shares', value: 1024 }),
  throttling: present({ periods: 0, throttledPeriods: 0, throttledTime: microseconds(0) }),
  ...change,
});

export const breakdown = (change: Partial<MemoryBreakdown> = {}): MemoryBreakdown => ({
  anonymous: bytes(4 * 2 ** 20),
  file: bytes(2 ** 20),
  shared: bytes(0),
  kernel: present(bytes(2 ** 20)),
  slab: notThere,
  inactiveFile: bytes(2 ** 20),
  activeFile: bytes(0),
  inactiveAnonymous: bytes(0),
  activeAnonymous: bytes(4 * 2 ** 20),
  unevictable: bytes(0),
  dirty: bytes(0),
  writeback: bytes(0),
  mapped: bytes(0),
  fileRefaults: present(0),
  majorFaults: 0,
  anonymousHuge: notThere,
  ...change,
});

export const memorySample = (change: Partial<MemorySample> = {}): MemorySample => ({
  usage: bytes(6 * 2 ** 20),
  limit: limitOf(bytes(64 * 2 ** 20)),
  high: notThere,
  peak: present(bytes(8 * 2 ** 20)),
  limitHits: present(0),
  oomKills: present(0),
  subtreeOomKills: present(0),
  oomKillDisabled: false,
  underOom: false,
  oomGroup: false,
  swap: notThere,
  breakdown: present(breakdown()),
  ...change,
});

export const pidsSample = (change: Partial<PidsSample> = {}): PidsSample => ({
  current: 1,
  limit: limitOf(128),
  refusals: present(0),
  ...change,
});

const status = (pid: number, change: Partial<ProcessStatus>): ProcessStatus => ({
  name: 'app',
  state: 'S',
  pid: hostPid(pid),
  parent: hostPid(1),
  namespacePids: [nsPid(pid), nsPid(1)],
  threads: 1,
  uid: { real: 1000, effective: 1000, saved: 1000, filesystem: 1000 },
  gid: { real: 1000, effective: 1000, saved: 1000, filesystem: 1000 },
  signals: { pending: [], sharedPending: [], blocked: [], ignored: [], caught: [] },
  capabilities: { inheritable: [], permitted: [], effective: [], bounding: [], ambient: [] },
  noNewPrivileges: true,
  seccomp: present(0),
  memory: present({
    resident: bytes(4 * 2 ** 20),
    residentAnonymous: bytes(2 * 2 ** 20),
    residentFile: bytes(2 * 2 ** 20),
    residentShared: bytes(0),
    swapped: bytes(0),
  }),
  ...change,
});

/** A sleeping, well-behaved process; PID 1 of its namespace unless `namespacePids` says otherwise. */
export const process = (
  pid = 4711,
  change: Partial<Omit<ProcessFacts, 'status'>> & { readonly status?: Partial<ProcessStatus> } = {},
): ProcessFacts => ({
  pid: hostPid(pid),
  startTime: clockTicks(100 + pid),
  zombieInBothSamples: false,
  commandLine: ['/usr/bin/app'],
  executable: present('/usr/bin/app'),
  oomScoreAdjust: present(0),
  waitChannel: notThere,
  scheduler: notThere,
  ...change,
  status: status(pid, change.status ?? {}),
});

/** A kill in /box/web-1 by its own limit of 64 MiB, full of anonymous memory, an hour before `common` looks. */
export const oomReport = (change: Partial<OomReport> = {}): OomReport => ({
  at: microseconds((3 * 24 + 1) * 3600 * 1_000_000),
  constraint: 'memcg',
  invokedBy: { name: 'app', order: 0, gfpMask: '0xcc0(GFP_KERNEL)' },
  limitingCgroup: cgroupPath('/box/web-1'),
  victimCgroup: cgroupPath('/box/web-1'),
  victims: [
    {
      pid: hostPid(4720),
      name: 'worker',
      anonymous: bytes(60 * 2 ** 20),
      file: bytes(2 ** 20),
      shared: bytes(0),
      uid: 1000,
      oomScoreAdjust: 0,
    },
  ],
  memory: { usage: bytes(64 * 2 ** 20), limit: limitOf(bytes(64 * 2 ** 20)), failures: 12 },
  swap: null,
  stats: { total_rss: 62 * 2 ** 20, total_cache: 0, total_shmem: 0 },
  candidates: [],
  wholeGroup: false,
  ...change,
});

/** In the host's user namespace, with nothing of the host in reach. */
export const isolationFacts = (change: Partial<IsolationFacts> = {}): IsolationFacts => ({
  uidMap: [{ inside: 0, outside: 0, count: 4_294_967_295 }],
  userNamespaceIsHost: true,
  mounts: [],
  hostMounts: [],
  hostDevices: [],
  deviceRules: present([]),
  securityLabel: notThere,
  ...change,
});

/** An ext4 of 1 GiB on a loop device at /data, half full. */
export const fileSystem = (
  room: Partial<FileSystemFacts['last']> = {},
  change: Partial<FileSystemFacts> = {},
): FileSystemFacts => ({
  mountPoint: '/data',
  type: 'ext4',
  device: '7:0',
  source: '/dev/loop0',
  superOptions: ['rw'],
  last: {
    total: bytes(2 ** 30),
    free: bytes(2 ** 29),
    available: bytes(2 ** 29),
    files: 65_536,
    freeFiles: 60_000,
    ...room,
  },
  ...change,
});

/** What it has there: one volume with half a GiB, on a file system that nobody else has. */
export const diskUse = (change: Partial<DiskUse> = {}): DiskUse => ({
  device: '7:0',
  parts: [
    {
      kind: 'mount',
      path: '/data',
      bytes: bytes(2 ** 29),
      entries: 12,
      largest: [{ path: '/data/app.log', size: bytes(2 ** 28) }],
      fullest: { path: '/data', entries: 12 },
      complete: true,
    },
  ],
  hostMounts: ['/mnt/data'],
  hostRoot: { total: bytes(2 ** 35), available: bytes(2 ** 34) },
  sharers: [],
  ...change,
});

/** A cgroup that has written so much to 7:0 and read nothing, without a limit. */
export const ioSample = (written = 0, change: Partial<IoSample> = {}): IoSample => ({
  devices: [
    {
      device: '7:0',
      readBytes: bytes(0),
      writtenBytes: bytes(written),
      reads: 0,
      writes: Math.ceil(written / 2 ** 18),
    },
  ],
  limits: [],
  weight: notThere,
  ...change,
});

/** Tasks were stalled on I/O for so many milliseconds in all. */
export const ioPressure = (stalledMs: number): PressureSample => {
  const line = { avg10: 0, avg60: 0, avg300: 0, total: microseconds(stalledMs * 1000) };
  return { cpu: notThere, memory: notThere, io: present({ some: line, full: present(line) }) };
};

/** What a disk did in a window of a second. */
export const diskFacts = (change: {
  readonly busyMs?: number;
  readonly queuedMs?: number;
  readonly written?: number;
  readonly name?: string;
}): DiskFacts => {
  const counters = (part: number) => ({
    reads: 0,
    readBytes: bytes(0),
    writes: part * 10,
    writtenBytes: bytes(part * (change.written ?? 0)),
    inFlight: 0,
    busy: microseconds(part * (change.busyMs ?? 0) * 1000),
    queued: microseconds(part * (change.queuedMs ?? change.busyMs ?? 0) * 1000),
  });
  return { name: change.name ?? 'loop0', first: counters(0), last: counters(1) };
};

/** A process that wrote so much to storage in the window, and was found asleep as told. */
export const writer = (written: number, channels: Readonly<Record<string, number>> = {}): ProcessFacts => {
  const io = (part: number) => ({ read: bytes(0), written: bytes(part * written), cancelled: bytes(0) });
  const times = { running: microseconds(0), waiting: microseconds(0), timeslices: 0 };
  return process(4711, {
    scheduler: present({ first: times, last: times }),
    io: { first: io(0), last: io(1) },
    ...(Object.keys(channels).length === 0 ? {} : { sleeps: { looks: 20, channels } }),
  });
};
