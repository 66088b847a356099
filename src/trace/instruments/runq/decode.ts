import type { BpfMap } from '../../../linux/bpf/map.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { hostPid } from '../../../linux/units.ts';
import type { CgroupNames } from '../../cgroup-names.ts';
import { histogramFrom, totalOf } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import { programName } from '../../program-name.ts';
import { decodeTotal, microsecondsAt, mostTime } from '../../total.ts';
import type { RunqResult, Taker } from './result.ts';

const powers = 40;
const histogramSize = powers * 8;
const mostTakers = 50;

/** `struct per_cpu` of runq.bpf.c, of all CPUs. */
export function decodeSums(
  values: readonly Buffer[],
): Pick<RunqResult, 'waits' | 'count' | 'waitedUs' | 'longestUs' | 'idleUs'> {
  const counters = Buffer.alloc(histogramSize);
  let waitedUs = 0;
  let longestUs = 0;
  let idleUs = 0;
  for (const value of values) {
    for (let at = 0; at < histogramSize; at += 8)
      counters.writeBigUInt64LE(counters.readBigUInt64LE(at) + value.readBigUInt64LE(at), at);
    waitedUs += microsecondsAt(value, histogramSize);
    longestUs = Math.max(longestUs, microsecondsAt(value, histogramSize + 8));
    idleUs += microsecondsAt(value, histogramSize + 16);
  }
  const waits = histogramFrom('us', counters);
  return {
    waits,
    count: totalOf(waits),
    waitedUs: Math.round(waitedUs),
    longestUs,
    idleUs: Math.round(idleUs),
  };
}

export interface TakerTally {
  /** `struct taker`: a process had the CPU for the first time. */
  readonly announced: (bytes: Buffer) => void;
  readonly takers: (map: Pick<BpfMap, 'all'>) => readonly Taker[];
}

/** `struct taker`: u64 cgroup, u32 process, u32 own. */
export function createTakerTally(files: KernelFiles, cgroups: CgroupNames): TakerTally {
  const names = new Map<number, string>();
  return {
    announced: bytes => {
      const process = bytes.readUInt32LE(8);
      const status = readStatus(files, hostPid(process));
      if (status.present) names.set(process, programName(files, hostPid(process), status.value.name));
      cgroups.learn(bytes.readBigUInt64LE(0), process);
    },
    takers: map =>
      map.all().map(([key, value]) => {
        const pid = key.readUInt32LE(8);
        return {
          pid,
          name: names.get(pid) ?? `pid ${pid}`,
          cgroup: cgroups.nameOf(key.readBigUInt64LE(0)) ?? null,
          own: key.readUInt32LE(12) !== 0,
          ...decodeTotal(value),
        };
      }),
  };
}

export function runqResult(
  base: TraceResult,
  sums: ReturnType<typeof decodeSums>,
  takers: readonly Taker[],
): RunqResult {
  const timeOf = (own: boolean): number =>
    Math.round(takers.reduce((sum, taker) => sum + (taker.own === own ? taker.us : 0), 0));
  return {
    ...base,
    ...sums,
    ownUs: timeOf(true),
    othersUs: timeOf(false),
    takers: mostTime(takers, mostTakers),
  };
}
