import type { BpfMap } from '../../../linux/bpf/map.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { ForkMaker, ForksResult } from './result.ts';

const makersAtMost = 100;
export const secondsAtMost = 600;

export function forksResult(
  base: TraceResult,
  makers: readonly ForkMaker[],
  seen: Pick<ForksResult, 'exits' | 'ages' | 'perSecond'>,
): ForksResult {
  const sum = (field: 'processes' | 'threads'): number =>
    makers.reduce((total, maker) => total + maker[field], 0);
  return {
    ...base,
    processes: sum('processes'),
    threads: sum('threads'),
    ...seen,
    perSecond: seen.perSecond.slice(0, secondsAtMost),
    peak: Math.max(0, ...seen.perSecond),
    makers: makers
      .toSorted((one, other) => other.processes + other.threads - one.processes - one.threads)
      .slice(0, makersAtMost),
  };
}

/** `struct parent` and `struct births` of forks.bpf.c. */
export const decodeMaker = ([key, value]: readonly [Buffer, Buffer]): ForkMaker => ({
  pid: key.readUInt32LE(0),
  inside: value.readUInt32LE(16),
  program: textFrom(key, 4, 16),
  processes: Number(value.readBigUInt64LE(0)),
  threads: Number(value.readBigUInt64LE(8)),
});

export const readSeconds = (seconds: BpfMap, count: number): readonly number[] =>
  Array.from({ length: Math.min(count, secondsAtMost) }, (_, second) =>
    Number(seconds.get(second)?.readBigUInt64LE(0) ?? 0n),
  );
