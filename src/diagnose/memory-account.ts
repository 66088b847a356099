import type { MemoryBreakdown, MemorySample } from '../linux/cgroup/model.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import type { HostFacts, ProcessFacts } from '../observe/observation.ts';

/** What the memory usage of a container is made of, what of it goes when room is needed, and what others say of it. */
export interface MemoryAccount {
  readonly kinds: readonly MemoryKind[];
  /** Taken back at once when room is needed: clean cache and the slab that caches names. */
  readonly reclaimable: Bytes;
  /** The rest of the usage: written, swapped or given back first, or there to stay. */
  readonly needed: Bytes;
  readonly elsewhere: readonly OtherFigure[];
}

export const memoryKinds = [
  'anonymous',
  'anonymous-huge',
  'cache-inactive',
  'cache-active',
  'cache-dirty',
  'shared',
  'slab-reclaimable',
  'slab-unreclaimable',
  'stacks',
  'page-tables',
  'per-cpu',
  'kernel-other',
  'kernel',
  'sockets',
  'swap',
  'rest',
] as const;

export interface MemoryKind {
  readonly kind: (typeof memoryKinds)[number];
  readonly size: Bytes;
  /** Counted in another kind already: huge pages in anonymous, dirty pages in the lists. Swap is outside of the usage. */
  readonly within?: true;
}

/** A figure that another tool shows for the same container. */
export interface OtherFigure {
  readonly tool: 'docker-stats' | 'ps' | 'free' | 'memory-usage';
  readonly amount: Bytes;
}

export function accountOf(
  sample: MemorySample,
  host: HostFacts,
  processes: readonly ProcessFacts[],
): MemoryAccount | undefined {
  const { usage, breakdown, swap } = sample;
  if (!breakdown.present) return undefined;
  const parts = breakdown.value;
  const { anonymous, anonymousHuge, inactiveFile, activeFile, dirty, writeback, shared, sockets } = parts;
  const unclean = Math.min(inactiveFile + activeFile, dirty + writeback);
  const kernel = kernelKinds(parts);
  const counted = [
    kindOf('anonymous', anonymous),
    ...(anonymousHuge.present ? [within('anonymous-huge', anonymousHuge.value)] : []),
    kindOf('cache-inactive', inactiveFile),
    kindOf('cache-active', activeFile),
    within('cache-dirty', bytes(unclean)),
    kindOf('shared', shared),
    ...kernel,
    ...(sockets === undefined ? [] : [kindOf('sockets', sockets)]),
  ];
  const sum = counted.reduce((total, { size, within: isWithin }) => total + (isWithin ? 0 : size), 0);
  const slab = parts.kernelParts?.reclaimableSlab ?? 0;
  const reclaimable = bytes(Math.min(usage, inactiveFile + activeFile - unclean + slab));
  return {
    kinds: [
      ...counted,
      // Mlocked cache, what the per-CPU stocks hold, and what was counted at another moment.
      kindOf('rest', bytes(Math.max(0, usage - sum))),
      ...(swap.present ? [within('swap', swap.value.usage)] : []),
    ],
    reclaimable,
    needed: bytes(usage - reclaimable),
    elsewhere: [
      { tool: 'memory-usage', amount: usage },
      { tool: 'docker-stats', amount: bytes(Math.max(0, usage - inactiveFile)) },
      { tool: 'ps', amount: residentOf(processes) },
      ...(host.memoryAvailable === undefined
        ? []
        : [{ tool: 'free' as const, amount: bytes(host.memory - host.memoryAvailable) }]),
    ],
  };
}

const kindOf = (kind: MemoryKind['kind'], size: Bytes): MemoryKind => ({ kind, size });
const within = (kind: MemoryKind['kind'], size: Bytes): MemoryKind => ({ kind, size, within: true });

/** v1 has one figure for all of it. */
function kernelKinds({ kernel, kernelParts }: MemoryBreakdown): readonly MemoryKind[] {
  if (!kernel.present) return [];
  if (kernelParts === undefined) return [kindOf('kernel', kernel.value)];
  const { reclaimableSlab, otherSlab = bytes(0), stacks, pageTables, perCpu = bytes(0) } = kernelParts;
  const other = Math.max(0, kernel.value - reclaimableSlab - otherSlab - stacks - pageTables - perCpu);
  return [
    kindOf('slab-reclaimable', reclaimableSlab),
    kindOf('slab-unreclaimable', otherSlab),
    kindOf('stacks', stacks),
    kindOf('page-tables', pageTables),
    kindOf('per-cpu', perCpu),
    kindOf('kernel-other', bytes(other)),
  ];
}

const residentOf = (processes: readonly ProcessFacts[]): Bytes =>
  bytes(
    processes.reduce((sum, { status: { memory } }) => sum + (memory.present ? memory.value.resident : 0), 0),
  );
