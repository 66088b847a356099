import type { CgroupPath } from '../../../linux/units.ts';
import { textFrom } from '../../ebpf.ts';
import { histogramFrom } from '../../histogram.ts';
import { decodeAmount, decodeTotal } from '../../total.ts';
import type { BlockOperation, BlockOwner, BlockSender, BlockStream } from './result.ts';

export const mostSenders = 50;
export const mostStreams = 512;
const mostOwners = 100;

type Entry = readonly [Buffer, Buffer];

const operations: readonly BlockOperation[] = ['read', 'write', 'flush', 'discard'];
const operationAt = (bytes: Buffer, at: number): BlockOperation =>
  operations[bytes.readUInt32LE(at)] ?? 'other';

const histogramSize = 40 * 8;
const timesAt = 40;
const sizesAt = timesAt + histogramSize;

/** `struct stream` and `struct sums` of block-io.bpf.c. */
export const decodeStream = ([key, value]: Entry): BlockStream => ({
  device: textFrom(key, 12, 32),
  number: `${key.readUInt32LE(0)}:${key.readUInt32LE(4)}`,
  operation: operationAt(key, 8),
  ...decodeTotal(value),
  bytes: decodeAmount(value),
  errors: Number(value.readBigUInt64LE(32)),
  times: histogramFrom('us', value.subarray(timesAt, sizesAt)),
  sizes: histogramFrom('bytes', value.subarray(sizesAt, sizesAt + histogramSize)),
});

/** `struct issuer`: u32 process, u32 operation, char name[16]. */
export const decodeSender = ([key, value]: Entry): BlockSender => ({
  pid: key.readUInt32LE(0),
  operation: operationAt(key, 4),
  name: textFrom(key, 8, 16),
  ...decodeTotal(value),
  bytes: decodeAmount(value),
});

/** `struct owner`: u64 memory cgroup, u32 major, u32 minor, u32 operation, u32 own. */
export function decodeOwners(
  entries: readonly Entry[],
  pathsOf: (ids: readonly bigint[]) => ReadonlyMap<bigint, CgroupPath>,
): readonly BlockOwner[] {
  const paths = pathsOf(entries.map(([key]) => key.readBigUInt64LE(0)).filter(id => id !== 0n));
  return entries
    .map(([key, value]) => ({
      cgroup: paths.get(key.readBigUInt64LE(0)) ?? null,
      number: `${key.readUInt32LE(8)}:${key.readUInt32LE(12)}`,
      operation: operationAt(key, 16),
      own: key.readUInt32LE(20) !== 0,
      ...decodeTotal(value),
      bytes: decodeAmount(value),
    }))
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, mostOwners);
}
