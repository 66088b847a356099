import * as v from 'valibot';
import type {
  CgroupLayout,
  CgroupLevel,
  ControllerSamples,
  Pressure,
  PressureLine,
} from '../../linux/cgroup/model.ts';
import type { Bytes, Microseconds } from '../../linux/units.ts';
import type { CgroupTables } from '../observation.ts';
import { byName, flag, fraction, limit, list, path, reading, type Schema, text, whole } from './parts.ts';

const amount = whole<Bytes>();
const count = whole<number>();
const duration = whole<Microseconds>();
const version = v.picklist(['v1', 'v2']);

export const layout: Schema<CgroupLayout> = v.object({
  mode: v.picklist(['v1', 'v2', 'hybrid', 'none']),
  hierarchies: list(v.object({ version, kernelControllers: list(text), mountPoint: text, mountRoot: path })),
});

const pressureLine: Schema<PressureLine> = v.object({
  avg10: fraction,
  avg60: fraction,
  avg300: fraction,
  total: duration,
});
const pressure: Schema<Pressure> = v.object({ some: pressureLine, full: reading(pressureLine) });

const ioDevice = v.object({
  device: text,
  readBytes: amount,
  writtenBytes: amount,
  reads: count,
  writes: count,
});

const samples: { readonly [C in keyof ControllerSamples]: Schema<ControllerSamples[C]> } = {
  cpu: v.object({
    usage: reading(duration),
    quota: reading(v.object({ quota: limit(duration), period: duration, burst: reading(duration) })),
    weight: reading(v.object({ kind: v.picklist(['shares', 'weight']), value: count })),
    throttling: reading(v.object({ periods: count, throttledPeriods: count, throttledTime: duration })),
  }),
  cpuset: v.object({ cpus: list(count), memoryNodes: list(count) }),
  memory: v.object({
    usage: amount,
    limit: limit(amount),
    high: reading(limit(amount)),
    peak: reading(amount),
    limitHits: reading(count),
    highHits: v.exactOptional(count),
    oomKills: reading(count),
    subtreeOomKills: reading(count),
    oomKillDisabled: flag,
    underOom: flag,
    oomGroup: flag,
    swap: reading(
      v.object({
        usage: amount,
        limitMeans: v.picklist(['memory-and-swap', 'swap']),
        limit: limit(amount),
      }),
    ),
    breakdown: reading(
      v.object({
        anonymous: amount,
        file: amount,
        shared: amount,
        kernel: reading(amount),
        slab: reading(amount),
        kernelParts: v.exactOptional(
          v.object({
            reclaimableSlab: amount,
            stacks: amount,
            pageTables: amount,
            otherSlab: v.exactOptional(amount),
            perCpu: v.exactOptional(amount),
          }),
        ),
        sockets: v.exactOptional(amount),
        inactiveFile: amount,
        activeFile: amount,
        inactiveAnonymous: amount,
        activeAnonymous: amount,
        unevictable: amount,
        dirty: amount,
        writeback: amount,
        mapped: amount,
        fileRefaults: reading(count),
        anonymousRefaults: v.exactOptional(count),
        majorFaults: count,
        anonymousHuge: reading(amount),
      }),
    ),
  }),
  pids: v.object({
    current: count,
    limit: limit(count),
    refusals: reading(count),
    peak: v.exactOptional(count),
  }),
  io: v.object({
    devices: list(ioDevice),
    ownDevices: v.exactOptional(list(ioDevice)),
    costOn: v.exactOptional(list(text)),
    limits: list(
      v.object({
        device: text,
        kind: v.picklist(['read-bytes', 'write-bytes', 'reads', 'writes']),
        perSecond: count,
      }),
    ),
    weight: reading(count),
  }),
  hugetlb: v.object({
    sizes: list(
      v.object({
        size: text,
        usage: amount,
        limit: limit(amount),
        failures: count,
        peak: v.exactOptional(amount),
        reserved: v.exactOptional(
          v.object({ usage: amount, limit: limit(amount), failures: v.exactOptional(count) }),
        ),
      }),
    ),
  }),
  freezer: v.object({ state: v.picklist(['thawed', 'freezing', 'frozen']) }),
  pressure: v.object({
    cpu: reading(pressure),
    memory: reading(pressure),
    io: reading(pressure),
  }),
};

const level = <S>(sample: Schema<S>): Schema<CgroupLevel<S>> => {
  const sampled = reading(v.object({ inode: count, value: sample }) as Schema<{ inode: number; value: S }>);
  return v.object({ path, directory: text, version, first: sampled, last: sampled }) as Schema<
    CgroupLevel<S>
  >;
};

export const tables: Schema<CgroupTables> = v.object({
  cpu: byName(level(samples.cpu)),
  cpuset: byName(level(samples.cpuset)),
  memory: byName(level(samples.memory)),
  pids: byName(level(samples.pids)),
  io: byName(level(samples.io)),
  hugetlb: byName(level(samples.hugetlb)),
  freezer: byName(level(samples.freezer)),
  pressure: byName(level(samples.pressure)),
});
