import { textFrom } from '../../ebpf.ts';
import { histogramFrom, totalOf } from '../../histogram.ts';
import { decodeAmount, decodeTotal, microsecondsAt } from '../../total.ts';
import type { ReclaimSums, ReclaimWaiter } from './result.ts';

export const mostWaiters = 50;

const histogramSize = 40 * 8;

/** `struct sums` of reclaim.bpf.c. */
export function decodeSums(bytes: Buffer): ReclaimSums {
  const times = histogramFrom('us', bytes.subarray(0, histogramSize));
  return {
    times,
    count: totalOf(times),
    us: microsecondsAt(bytes, histogramSize),
    longestUs: microsecondsAt(bytes, histogramSize + 8),
    pages: Number(bytes.readBigUInt64LE(histogramSize + 16)),
    failed: Number(bytes.readBigUInt64LE(histogramSize + 24)),
  };
}

/** `struct waiter`: u32 process, u32 kind, char name[16]; with a `struct total` of pages. */
export const decodeWaiter = ([key, value]: readonly [Buffer, Buffer]): ReclaimWaiter => ({
  pid: key.readUInt32LE(0),
  for: key.readUInt32LE(4) === 0 ? 'cgroup' : 'machine',
  name: textFrom(key, 8, 16),
  ...decodeTotal(value),
  pages: decodeAmount(value),
});
