import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';

/** What a limit was full of when the kernel gave up. */
export interface Filling {
  readonly anonymous: Bytes;
  readonly file: Bytes;
  readonly shared: Bytes;
  /** slab, stacks, page tables, sockets: all that the kernel charged for itself. */
  readonly kernel: Bytes;
}
export type FillingKind = keyof Filling;

const kindWords: Readonly<Record<FillingKind, string>> = {
  anonymous: 'private memory of processes (anonymous)',
  file: 'page cache',
  shared: 'tmpfs files and shared memory',
  kernel: 'memory of the kernel for it (slab, stacks, page tables)',
};

/**
 * From the "Memory cgroup stats" of the report. v1 writes local values and `total_` ones for the whole tree, v2
 * only the latter; what usage holds beyond processes and files is the kernel's.
 */
export function fillingOf({ memory, stats }: OomReport): Filling | undefined {
  const read = (...keys: readonly string[]): number | undefined =>
    keys.map(key => stats[key]).find(value => value !== undefined);
  const anonymous = read('total_rss', 'anon', 'rss');
  const cache = read('total_cache', 'file', 'cache');
  if (anonymous === undefined || cache === undefined) return undefined;
  const shared = Math.min(cache, read('total_shmem', 'shmem') ?? 0);
  const rest = memory === null ? 0 : memory.usage - anonymous - cache;
  return {
    anonymous: bytes(anonymous),
    file: bytes(cache - shared),
    shared: bytes(shared),
    kernel: bytes(Math.max(0, stats.kernel ?? rest)),
  };
}

const byAmount = (filling: Filling): readonly [FillingKind, Bytes][] =>
  (Object.entries(filling) as [FillingKind, Bytes][]).sort(([, a], [, b]) => b - a);

export const largestKind = (filling: Filling): FillingKind => byAmount(filling)[0]?.[0] ?? 'anonymous';

const totalOf = (filling: Filling): number =>
  Math.max(
    1,
    Object.values(filling).reduce<number>((sum, part) => sum + part, 0),
  );

/** `97 % of it was private memory of processes (anonymous)`. */
export function sayLargest(filling: Filling): string {
  const [kind, amount] = byAmount(filling)[0] ?? ['anonymous', bytes(0)];
  return `${sayShare(amount / totalOf(filling))} of it was ${kindWords[kind]}`;
}

/** `anonymous 31 MiB, kernel 992 KiB, shared 0 B, file 0 B`, largest first. */
export const sayFilling = (filling: Filling): string =>
  byAmount(filling)
    .map(([kind, amount]) => `${kind} ${sayBytes(amount)}`)
    .join(', ');
