import type { BpfMap } from '../../../linux/bpf/map.ts';
import { type Histogram, histogramFrom, totalOf } from '../../histogram.ts';
import { decodeWhose } from '../../interrupted.ts';
import { addTotals, decodeAmount, decodeTotal, mostTime, noTotal } from '../../total.ts';
import { type SoftirqFunction, type SoftirqSum, type SoftirqVector, softirqVectors } from './result.ts';

type Entry = readonly [Buffer, Buffer];

/** `struct vector` of softirq.bpf.c: u32 vector, u32 cpu, u32 whose. */
export function decodeVector([key, value]: Entry): readonly SoftirqSum[] {
  const vector = softirqVectors[key.readUInt32LE(0)];
  if (vector === undefined) return [];
  return [
    { vector, cpu: key.readUInt32LE(4), whose: decodeWhose(key.readUInt32LE(8)), ...decodeTotal(value) },
  ];
}

const kinds = ['timer', 'tasklet', 'poll'] as const;

/** `struct function`: u64 address, u32 kind, u32 whose; with a `struct total` of packets. */
export const decodeFunction =
  (functionAt: (address: bigint) => string | null) =>
  ([key, value]: Entry): SoftirqFunction => ({
    name: functionAt(key.readBigUInt64LE(0)) ?? '[kernel]',
    kind: kinds[key.readUInt32LE(8)] ?? 'timer',
    whose: decodeWhose(key.readUInt32LE(12)),
    ...decodeTotal(value),
    packets: decodeAmount(value),
  });

export function readTimes(map: Pick<BpfMap, 'get'>): Readonly<Partial<Record<SoftirqVector, Histogram>>> {
  const times: Partial<Record<SoftirqVector, Histogram>> = {};
  for (const [number, vector] of softirqVectors.entries()) {
    const bytes = map.get(number);
    const histogram = bytes === undefined ? undefined : histogramFrom('us', bytes);
    if (histogram !== undefined && totalOf(histogram) > 0) times[vector] = histogram;
  }
  return times;
}

export interface VectorSum {
  readonly vector: SoftirqVector;
  readonly taken: ReturnType<typeof addTotals>;
  readonly all: ReturnType<typeof addTotals>;
}

/** Over all CPUs: what each vector took from the container, and at all. */
export const byVector = (sums: readonly SoftirqSum[]): readonly VectorSum[] =>
  softirqVectors
    .map(vector => {
      const own = sums.filter(sum => sum.vector === vector);
      return {
        vector,
        taken: own.filter(({ whose }) => whose === 'container').reduce(addTotals, noTotal),
        all: own.reduce(addTotals, noTotal),
      };
    })
    .filter(({ all }) => all.count > 0)
    .sort((a, b) => b.taken.us - a.taken.us || b.all.us - a.all.us);

export const mostFunctions = (functions: readonly SoftirqFunction[]): readonly SoftirqFunction[] =>
  mostTime(functions, 100);
