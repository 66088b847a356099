import { absent, flatMapReading, type Reading } from '../reading.ts';
import type { Bytes, CgroupPath, Microseconds } from '../units.ts';
import { hierarchyOf, locateIn } from './layout.ts';
import type { CgroupLayout, CgroupVersion, Controller, IoLimit } from './model.ts';
import { type CgroupWriter, type Done, done, inOrder } from './write.ts';

/** Limits to set; what is left out stays as it is. */
export interface CgroupLimits {
  readonly memory?: Bytes | 'max';
  /** Memory and swap together, as v1 counts; the difference to `memory` becomes v2's memory.swap.max. */
  readonly memoryAndSwap?: Bytes | 'max';
  /** v2 alone: above it tasks are held up and not killed. */
  readonly memoryHigh?: Bytes | 'max';
  readonly pids?: number | 'max';
  readonly cpu?: {
    readonly quota: Microseconds | 'max';
    readonly period: Microseconds;
    readonly burst?: Microseconds;
  };
  readonly cpus?: readonly number[];
  /** v1 shares; converted for v2. */
  readonly cpuShares?: number;
  /** Per second and device. v1 limits what a task issues itself, v2 its share of write-back too. */
  readonly io?: readonly IoLimitSetting[];
  /** Of one size, as the controller names it: `2MB`. */
  readonly hugePages?: { readonly size: string; readonly limit: Bytes | 'max' };
}

export type IoLimitSetting = Omit<IoLimit, 'perSecond'> & { readonly perSecond: number | 'max' };

/** The controllers that limits need. */
export function controllersFor(limits: CgroupLimits): readonly Controller[] {
  const wanted: Controller[] = [];
  if (limits.cpu !== undefined || limits.cpuShares !== undefined) wanted.push('cpu');
  if (limits.cpus !== undefined) wanted.push('cpuset');
  if (limits.io !== undefined) wanted.push('io');
  if ([limits.memory, limits.memoryAndSwap, limits.memoryHigh].some(limit => limit !== undefined))
    wanted.push('memory');
  if (limits.pids !== undefined) wanted.push('pids');
  if (limits.hugePages !== undefined) wanted.push('hugetlb');
  return wanted;
}

/** Sets limits of a cgroup that exists. */
export function setLimits(
  writer: CgroupWriter,
  layout: CgroupLayout,
  path: CgroupPath,
  limits: CgroupLimits,
): Done {
  return inOrder(
    ...controllersFor(limits).map(
      controller => () =>
        inController(
          layout,
          controller,
          path,
          (directory, version) => setters[controller]?.(writer, directory, version, limits) ?? done,
        ),
    ),
  );
}

type Setter = (writer: CgroupWriter, directory: string, version: CgroupVersion, limits: CgroupLimits) => Done;

const setters: Partial<Record<Controller, Setter>> = {
  memory: (writer, directory, version, limits) =>
    version === 'v1' ? setMemoryV1(writer, directory, limits) : setMemoryV2(writer, directory, limits),
  pids: (writer, directory, _, { pids }) => writer.write(`${directory}/pids.max`, String(pids)),
  hugetlb: (writer, directory, version, { hugePages }) => {
    if (hugePages === undefined) return done;
    const { size, limit } = hugePages;
    const [file, none] = version === 'v1' ? ['limit_in_bytes', '-1'] : ['max', 'max'];
    return writer.write(`${directory}/hugetlb.${size}.${file}`, limit === 'max' ? none : String(limit));
  },
  cpuset: (writer, directory, _, { cpus = [] }) => writer.write(`${directory}/cpuset.cpus`, cpus.join(',')),
  cpu: (writer, directory, version, { cpu, cpuShares }) =>
    inOrder(
      () => (cpu === undefined ? done : setQuota(writer, directory, version, cpu)),
      () =>
        cpuShares === undefined
          ? done
          : version === 'v1'
            ? writer.write(`${directory}/cpu.shares`, String(cpuShares))
            : writer.write(`${directory}/cpu.weight`, String(weightFromShares(cpuShares))),
    ),
  io: (writer, directory, version, { io = [] }) =>
    inOrder(...io.map(limit => () => setIoLimit(writer, directory, version, limit))),
};

const ioNames: Readonly<Record<IoLimit['kind'], { readonly v1: string; readonly v2: string }>> = {
  'read-bytes': { v1: 'read_bps', v2: 'rbps' },
  'write-bytes': { v1: 'write_bps', v2: 'wbps' },
  reads: { v1: 'read_iops', v2: 'riops' },
  writes: { v1: 'write_iops', v2: 'wiops' },
};

/** v1 has a file for each kind, where 0 takes the limit away; a line of io.max leaves the kinds it does not name alone. */
function setIoLimit(
  writer: CgroupWriter,
  directory: string,
  version: CgroupVersion,
  { device, kind, perSecond }: IoLimitSetting,
): Done {
  const name = ioNames[kind][version];
  return version === 'v1'
    ? writer.write(
        `${directory}/blkio.throttle.${name}_device`,
        `${device} ${perSecond === 'max' ? 0 : perSecond}`,
      )
    : writer.write(`${directory}/io.max`, `${device} ${name}=${perSecond}`);
}

function inController(
  layout: CgroupLayout,
  controller: Controller,
  path: CgroupPath,
  change: (directory: string, version: CgroupVersion) => Done,
): Done {
  return flatMapReading(hierarchyOf(layout, controller), hierarchy =>
    flatMapReading(locateIn(hierarchy, path), directory => change(directory, hierarchy.version)),
  );
}

/** memsw may never be below memory, so growing starts with memsw and shrinking with memory. */
function setMemoryV1(
  writer: CgroupWriter,
  directory: string,
  { memory, memoryAndSwap, memoryHigh }: CgroupLimits,
): Done {
  if (memoryHigh !== undefined)
    return absent(`${directory}/memory.high`, 'disabled', 'cgroup v2 has it: boot with cgroup_no_v1=memory');
  const set = (name: string, value: Bytes | 'max' | undefined) => (): Done =>
    value === undefined ? done : writer.write(`${directory}/${name}`, value === 'max' ? '-1' : String(value));
  const setMemory = set('memory.limit_in_bytes', memory);
  const setMemsw = set('memory.memsw.limit_in_bytes', memoryAndSwap);
  const shrinking = inOrder(setMemory, setMemsw);
  return shrinking.present || memoryAndSwap === undefined ? shrinking : inOrder(setMemsw, setMemory);
}

function setMemoryV2(
  writer: CgroupWriter,
  directory: string,
  { memory, memoryAndSwap, memoryHigh }: CgroupLimits,
): Done {
  const swap =
    memoryAndSwap === undefined || memoryAndSwap === 'max' || memory === undefined || memory === 'max'
      ? memoryAndSwap
      : Math.max(0, memoryAndSwap - memory);
  return inOrder(
    () => (memory === undefined ? done : writer.write(`${directory}/memory.max`, String(memory))),
    () => (swap === undefined ? done : writer.write(`${directory}/memory.swap.max`, String(swap))),
    () => (memoryHigh === undefined ? done : writer.write(`${directory}/memory.high`, String(memoryHigh))),
  );
}

/**
 * A burst may not be above the quota, and on v1 quota and period are two files of which each must fit the
 * parent's ratio: the way from one valid pair to another leads over "no quota".
 */
function setQuota(
  writer: CgroupWriter,
  directory: string,
  version: CgroupVersion,
  { quota, period, burst }: NonNullable<CgroupLimits['cpu']>,
): Done {
  const burstFile = `${directory}/${version === 'v1' ? 'cpu.cfs_burst_us' : 'cpu.max.burst'}`;
  const clearBurst = (): Done => (hasBurst(writer.read(burstFile)) ? writer.write(burstFile, '0') : done);
  const setBurst = (): Done => (burst === undefined ? done : writer.write(burstFile, String(burst)));
  if (version === 'v2')
    return inOrder(clearBurst, () => writer.write(`${directory}/cpu.max`, `${quota} ${period}`), setBurst);
  return inOrder(
    clearBurst,
    () => writer.write(`${directory}/cpu.cfs_quota_us`, '-1'),
    () => writer.write(`${directory}/cpu.cfs_period_us`, String(period)),
    () => (quota === 'max' ? done : writer.write(`${directory}/cpu.cfs_quota_us`, String(quota))),
    setBurst,
  );
}

const hasBurst = (text: Reading<string>): boolean => text.present && text.value.trim() !== '0';

/** The conversion that OCI runtimes use: 2..262144 shares onto 1..10000 weight. */
export const weightFromShares = (shares: number): number =>
  1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
