import type { MemoryBreakdown } from '../../../linux/cgroup/model.ts';
import type { Reading } from '../../../linux/reading.ts';
import { type Bytes, bytes, type HostPid } from '../../../linux/units.ts';
import type { ProcessFacts, SharedMemoryFacts } from '../../../observe/observation.ts';

/** One thing that holds shared memory and can be named. */
export type Holding =
  | { readonly kind: 'file'; readonly path: string; readonly size: Bytes }
  | { readonly kind: 'segment'; readonly id: number; readonly size: Bytes; readonly attached: number }
  | { readonly kind: 'nameless'; readonly path: string; readonly size: Bytes };

/** Everything that was found, largest first. */
export function holdingsOf({ mounts, segments, unlinked }: SharedMemoryFacts): readonly Holding[] {
  const files = mounts.flatMap(mount => mount.largest).map(file => ({ kind: 'file' as const, ...file }));
  const held = (segments.present ? segments.value : []).map(({ id, resident, attached }) => ({
    kind: 'segment' as const,
    id,
    size: resident,
    attached,
  }));
  const nameless = unlinked.map(file => ({ kind: 'nameless' as const, ...file }));
  return [...files, ...held, ...nameless].filter(({ size }) => size > 0).sort((a, b) => b.size - a.size);
}

export interface Use {
  /** Charged shared memory that no process is using as memory. */
  readonly unused: Bytes;
  /** What live processes map, as far as the kernel and the processes agree. */
  readonly mapped: Bytes;
}

/**
 * How much of the charged shared memory live processes use. `mapped` of memory.stat counts each page once, but
 * executables too; the sum of RssShmem counts no executables, but a page once for each process: the truth is at
 * most the smaller one.
 *
 * A database's buffer pool (shared anonymous memory, or a System V segment that is attached) belongs to those
 * who hold the mapping, also while the backends that touched it have ended and no page table shows its pages.
 */
export function measureUse(
  breakdown: MemoryBreakdown,
  processes: Reading<readonly ProcessFacts[]>,
  shared: Reading<SharedMemoryFacts>,
): Use {
  const resident = processes.present
    ? processes.value.reduce(
        (sum, { status }) => sum + (status.memory.present ? status.memory.value.residentShared : 0),
        0,
      )
    : breakdown.mapped;
  const inPageTables = Math.min(breakdown.mapped, resident);
  const pools = shared.present ? poolsOf(holdingsOf(shared.value)) : 0;
  const mapped = Math.min(breakdown.shared, Math.max(inPageTables, pools));
  return { unused: bytes(breakdown.shared - mapped), mapped: bytes(mapped) };
}

const poolsOf = (holdings: readonly Holding[]): number =>
  holdings.filter(isPool).reduce((sum, { size }) => sum + size, 0);

/** Memory that exists only as long as somebody maps it, or is attached now. */
export const isPool = (holding: Holding): boolean =>
  (holding.kind === 'segment' && holding.attached > 0) ||
  (holding.kind === 'nameless' && holding.path.endsWith('(/dev/zero)'));

export const sourceOf = (holding: Holding, init: HostPid | null): string => {
  const process = init ?? '<pid>';
  switch (holding.kind) {
    case 'file':
      return `/proc/${process}/root${holding.path}`;
    case 'segment':
      return `/proc/sysvipc/shm in the ipc namespace of ${process}`;
    case 'nameless':
      return `/proc/${process}/{fd,map_files}`;
  }
};

export function nameOf(holding: Holding): string {
  switch (holding.kind) {
    case 'file':
      return holding.path;
    case 'segment':
      return `System V segment ${holding.id}, ${holding.attached === 0 ? 'attached by nobody' : `${holding.attached} attachments`}`;
    case 'nameless':
      return `${holding.path}, deleted but still held`;
  }
}
