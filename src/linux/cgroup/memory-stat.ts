import { absent, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes } from '../units.ts';
import { otherVersion } from './directory.ts';
import { keyedCounts } from './flat-keyed.ts';
import type { MemoryBreakdown } from './model.ts';

const countsV1 = keyedCounts(
  'total_cache',
  'total_rss',
  'total_rss_huge',
  'total_shmem',
  'total_mapped_file',
  'total_dirty',
  'total_writeback',
  'total_workingset_refault_anon',
  'total_workingset_refault_file',
  'total_pgmajfault',
  'total_inactive_anon',
  'total_active_anon',
  'total_inactive_file',
  'total_active_file',
  'total_unevictable',
);

/**
 * v1 memory.stat (cgroup-v1/memory.rst 5.2): `total_rss 80191488`, bytes except for the pg… and workingset…
 * counts. Without `total_` it is the cgroup alone; with it, the hierarchy, which is what a limit counts.
 */
export function parseMemoryStatV1(text: string, kernel: Reading<Bytes>): MemoryBreakdown | undefined {
  const counts = countsV1(text);
  const { total_cache: cache, total_rss: anonymous, total_shmem: shared = 0 } = counts;
  const lists = listsOf(
    counts.total_inactive_anon,
    counts.total_active_anon,
    counts.total_inactive_file,
    counts.total_active_file,
  );
  if (cache === undefined || anonymous === undefined || lists === undefined) return undefined;
  return {
    anonymous: bytes(anonymous),
    // The counters are not read at one moment.
    file: bytes(Math.max(0, cache - shared)),
    shared: bytes(shared),
    kernel,
    slab: otherVersion('memory.stat slab', 'v2'),
    ...lists,
    unevictable: bytes(counts.total_unevictable ?? 0),
    dirty: bytes(counts.total_dirty ?? 0),
    writeback: bytes(counts.total_writeback ?? 0),
    mapped: bytes(counts.total_mapped_file ?? 0),
    fileRefaults: refaults(counts.total_workingset_refault_file ?? refaultsBefore59.v1(text)),
    ...anonymousRefaults(counts.total_workingset_refault_anon),
    majorFaults: counts.total_pgmajfault ?? 0,
    anonymousHuge: optional(counts.total_rss_huge, 'memory.stat total_rss_huge', needsHugePages),
  };
}

const countsV2 = keyedCounts(
  'anon',
  'file',
  'kernel',
  'kernel_stack',
  'pagetables',
  'percpu',
  'sock',
  'shmem',
  'file_mapped',
  'file_dirty',
  'file_writeback',
  'anon_thp',
  'inactive_anon',
  'active_anon',
  'inactive_file',
  'active_file',
  'unevictable',
  'slab',
  'slab_reclaimable',
  'slab_unreclaimable',
  'workingset_refault_anon',
  'workingset_refault_file',
  'pgmajfault',
);

/** v2 memory.stat (cgroup-v2.rst, Memory): `anon 13180928`, hierarchical, bytes except for the counts. */
export function parseMemoryStatV2(text: string): MemoryBreakdown | undefined {
  const counts = countsV2(text);
  const { anon: anonymous, file: cache, shmem: shared = 0 } = counts;
  const lists = listsOf(counts.inactive_anon, counts.active_anon, counts.inactive_file, counts.active_file);
  if (cache === undefined || anonymous === undefined || lists === undefined) return undefined;
  return {
    anonymous: bytes(anonymous),
    file: bytes(Math.max(0, cache - shared)),
    shared: bytes(shared),
    kernel: kernelMemory(counts),
    slab: optional(
      counts.slab,
      'memory.stat slab',
      'kernel memory accounting, which cgroup.memory=nokmem turns off',
    ),
    ...kernelParts(counts),
    ...(counts.sock === undefined ? {} : { sockets: bytes(counts.sock) }),
    ...lists,
    unevictable: bytes(counts.unevictable ?? 0),
    dirty: bytes(counts.file_dirty ?? 0),
    writeback: bytes(counts.file_writeback ?? 0),
    mapped: bytes(counts.file_mapped ?? 0),
    fileRefaults: refaults(counts.workingset_refault_file ?? refaultsBefore59.v2(text)),
    ...anonymousRefaults(counts.workingset_refault_anon),
    majorFaults: counts.pgmajfault ?? 0,
    anonymousHuge: optional(counts.anon_thp, 'memory.stat anon_thp', needsHugePages),
  };
}

/** The LRU lists; every kernel tells all four. */
function listsOf(
  inactiveAnonymous: number | undefined,
  activeAnonymous: number | undefined,
  inactiveFile: number | undefined,
  activeFile: number | undefined,
) {
  if (inactiveAnonymous === undefined || activeAnonymous === undefined) return undefined;
  if (inactiveFile === undefined || activeFile === undefined) return undefined;
  return {
    inactiveAnonymous: bytes(inactiveAnonymous),
    activeAnonymous: bytes(activeAnonymous),
    inactiveFile: bytes(inactiveFile),
    activeFile: bytes(activeFile),
  };
}

const needsHugePages = 'CONFIG_TRANSPARENT_HUGEPAGE, and Linux 5.6 on cgroup v2';

/** Before 5.9 anonymous pages were not counted: the one counter was that of files. */
const refaultsBefore59 = {
  v1: (text: string) => oldCountsV1(text).total_workingset_refault,
  v2: (text: string) => oldCountsV2(text).workingset_refault,
};
const oldCountsV1 = keyedCounts('total_workingset_refault');
const oldCountsV2 = keyedCounts('workingset_refault');

const refaults = (count: number | undefined): Reading<number> =>
  count === undefined
    ? absent('memory.stat workingset_refault', 'kernel-too-old', 'needs a newer kernel; Linux 5.10 has it')
    : present(count);

const anonymousRefaults = (count: number | undefined): Pick<MemoryBreakdown, 'anonymousRefaults'> =>
  count === undefined ? {} : { anonymousRefaults: count };

const optional = (count: number | undefined, what: string, needs: string): Reading<Bytes> =>
  count === undefined ? absent(what, 'kernel-too-old', `needs ${needs}`) : present(bytes(count));

function kernelParts({
  slab_reclaimable: reclaimable,
  slab_unreclaimable: other,
  kernel_stack: stacks,
  pagetables = 0,
  percpu,
}: ReturnType<typeof countsV2>): Pick<MemoryBreakdown, 'kernelParts'> {
  if (reclaimable === undefined || stacks === undefined) return {};
  return {
    kernelParts: {
      reclaimableSlab: bytes(reclaimable),
      stacks: bytes(stacks),
      pageTables: bytes(pagetables),
      ...(other === undefined ? {} : { otherSlab: bytes(other) }),
      ...(percpu === undefined ? {} : { perCpu: bytes(percpu) }),
    },
  };
}

/** `kernel` since 5.18; before, its parts as far as the kernel names them. */
function kernelMemory(counts: ReturnType<typeof countsV2>): Reading<Bytes> {
  if (counts.kernel !== undefined) return present(bytes(counts.kernel));
  const { kernel_stack: stacks, slab, pagetables = 0, percpu = 0 } = counts;
  return parsed(
    'memory.stat kernel',
    stacks === undefined || slab === undefined ? undefined : bytes(stacks + slab + pagetables + percpu),
  );
}
