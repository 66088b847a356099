import * as v from 'valibot';
import type { OomReport } from '../../linux/kmsg/oom-report.ts';
import type { HugePagePool } from '../../linux/mm/hugepages.ts';
import type { DiskCounters } from '../../linux/proc/host/diskstats.ts';
import type { Bytes, HostPid, Microseconds, Pages } from '../../linux/units.ts';
import type { HostFacts } from '../observation.ts';
import type { CpuSoftirqs } from '../softirqs.ts';
import { layout } from './cgroups.ts';
import { networkPlace, receiver } from './networks.ts';
import {
  byName,
  flag,
  fraction,
  limit,
  list,
  namespaces,
  nullable,
  path,
  reading,
  type Schema,
  text,
  time,
  whole,
} from './parts.ts';
import { conntrack } from './tcp.ts';

const amount = whole<Bytes>();
const count = whole<number>();

const cpuSoftirqs: Schema<CpuSoftirqs> = v.object({
  cpu: count,
  softirqTime: whole<Microseconds>(),
  interruptTime: whole<Microseconds>(),
  runs: byName(count),
  packets: count,
  dropped: count,
  squeezed: count,
  steered: count,
});

const counter = { usage: amount, limit: limit(amount), failures: count };

const hugePagePool: Schema<HugePagePool> = v.object({
  size: text,
  pageSize: amount,
  total: count,
  free: count,
  reserved: count,
  surplus: count,
  mayGrowBy: count,
});

const oomReport: Schema<OomReport> = v.object({
  at: whole<Microseconds>(),
  constraint: v.picklist(['memcg', 'none', 'cpuset', 'mempolicy', 'unknown']),
  invokedBy: nullable(v.object({ name: text, order: nullable(count), gfpMask: nullable(text) })),
  limitingCgroup: nullable(path),
  victimCgroup: nullable(path),
  victims: list(
    v.object({
      pid: whole<HostPid>(),
      name: text,
      anonymous: amount,
      file: amount,
      shared: amount,
      uid: nullable(count),
      oomScoreAdjust: nullable(count),
    }),
  ),
  memory: nullable(v.object(counter)),
  swap: nullable(v.object({ ...counter, limitMeans: v.picklist(['memory-and-swap', 'swap']) })),
  stats: byName(count),
  candidates: list(
    v.object({
      pid: whole<HostPid>(),
      name: text,
      uid: count,
      resident: whole<Pages>(),
      swapped: whole<Pages>(),
      oomScoreAdjust: count,
    }),
  ),
  wholeGroup: flag,
});

const pageCount = whole<Pages>();
const duration = whole<Microseconds>();
const diskCounters: Schema<DiskCounters> = v.object({
  reads: count,
  readBytes: amount,
  writes: count,
  writtenBytes: amount,
  inFlight: count,
  busy: duration,
  queued: duration,
});

export const host: Schema<HostFacts> = v.object({
  kernel: text,
  architecture: text,
  cgroup: layout,
  cpus: count,
  cpuBusy: v.exactOptional(byName(whole<Microseconds>())),
  cpuIdle: v.exactOptional(byName(whole<Microseconds>())),
  softirqs: v.exactOptional(reading(list(cpuSoftirqs))),
  memory: amount,
  memoryAvailable: v.exactOptional(amount),
  bootedAt: time,
  suspended: v.exactOptional(whole<Microseconds>()),
  loadAverage: reading(v.tuple([fraction, fraction, fraction])),
  capabilities: v.exactOptional(list(count)),
  namespaces,
  networkSysctls: reading(byName(text)),
  networkSysctlDefaults: reading(byName(text)),
  networks: v.exactOptional(reading(list(networkPlace))),
  receivers: v.exactOptional(reading(list(receiver))),
  conntrack: v.exactOptional(reading(conntrack)),
  hugePagePools: v.exactOptional(reading(list(hugePagePool))),
  transparentHugePages: v.exactOptional(reading(v.picklist(['always', 'madvise', 'never']))),
  oomReports: reading(list(oomReport)),
  disks: v.exactOptional(
    byName(
      v.object({ name: text, first: diskCounters, last: diskCounters, dirtyLimit: v.exactOptional(amount) }),
    ),
  ),
  virtualServices: v.exactOptional(reading(v.object({ services: count, destinations: count }))),
  writeBack: v.exactOptional(
    v.object({ dirty: pageCount, writeBack: pageCount, threshold: pageCount, background: pageCount }),
  ),
});
