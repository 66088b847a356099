import { textFrom } from '../../ebpf.ts';
import { histogramFrom } from '../../histogram.ts';
import { decodeAmount, decodeTotal, microsecondsAt } from '../../total.ts';
import type { PausedWriter, WritebackResult } from './result.ts';

export const mostWriters = 50;

const histogramSize = 40 * 8;

/** `struct sums` of writeback.bpf.c. */
export function decodeSums(bytes: Buffer): Pick<WritebackResult, 'pauses' | 'pauseUs' | 'calls' | 'last'> {
  const numberAt = (index: number): number => Number(bytes.readBigUInt64LE(histogramSize + 8 * index));
  const calls = numberAt(0);
  return {
    pauses: histogramFrom('us', bytes.subarray(0, histogramSize)),
    pauseUs: microsecondsAt(bytes, histogramSize + 8),
    calls,
    last: calls === 0 ? null : { dirtyPages: numberAt(2), limitPages: numberAt(3) },
  };
}

/** `struct writer`: u32 process, char device[32], char name[16]; with a `struct total` of pages. */
export const decodeWriter = ([key, value]: readonly [Buffer, Buffer]): PausedWriter => ({
  pid: key.readUInt32LE(0),
  device: textFrom(key, 4, 32),
  name: textFrom(key, 36, 16),
  ...decodeTotal(value),
  pages: decodeAmount(value),
});
