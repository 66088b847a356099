import type { RuleOf } from '../../../diagnose/case.ts';
import {
  type LimitedLevel,
  type MemoryChain,
  memoryFile,
  sayLevel,
  tightestLevel,
} from '../../../diagnose/memory-limit.ts';
import {
  type Evidence,
  found,
  inconclusive,
  ruledOut,
  type Severity,
  type Verdict,
} from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, sayShare } from '../../../diagnose/wording.ts';
import type { MemoryBreakdown } from '../../../linux/cgroup/model.ts';
import { absent } from '../../../linux/reading.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { SharedMemoryFacts } from '../../../observe/observation.ts';
import type { definition, SharedMemoryCaseFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type Holding, holdingsOf, isPool, measureUse, nameOf, sourceOf, type Use } from './holdings.ts';

/** Below it nobody would look for shared memory. */
const notable = 8 * 2 ** 20;
const notableWithoutLimit = 64 * 2 ** 20;
/** The share of the limit, or without one of the usage, from which on it matters. */
const shareOfLimit = 0.25;
const shareOfUsage = 0.5;
/** How full of what cannot be dropped the limit is. */
const pressing = 0.6;
const urgent = 0.9;

/**
 * Found: shared memory that is charged here, that no process uses as its memory, and that takes a notable part of
 * the limit. It is neither in any RSS nor reclaimable without swap, so ps shows nothing and the limit is near.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const chain = facts.memory;
  const { breakdown, usage } = chain.own.last;
  if (!breakdown.present) return inconclusive(breakdown);
  if (chain.own.path === '/') return ruledOut(inRoot(chain));
  const use = ownUse(facts, measureUse(breakdown.value, processesInCgroup(facts), facts.sharedMemory));
  const limited = tightestLevel(chain);
  const enough =
    limited === undefined
      ? Math.max(notableWithoutLimit, usage * shareOfUsage)
      : Math.max(notable, limited.limit * shareOfLimit);
  if (use.unused < enough) return ruledOut(...charged(chain, breakdown.value, use));
  return judgeUnused(facts, breakdown.value, use, limited);
};

function judgeUnused(
  facts: SharedMemoryCaseFacts,
  breakdown: MemoryBreakdown,
  use: Use,
  limited: LimitedLevel | undefined,
): Verdict {
  const { container, memory: chain, sharedMemory } = facts;
  const shared = sharedMemory.present ? sharedMemory.value : undefined;
  const holdings = shared === undefined ? [] : loose(shared);
  const isNamed = sizeOf(holdings) >= use.unused / 2;
  return found({
    severity: severityOf(limited, use.unused, facts.host.memory),
    certainty: isNamed && !chain.shared ? 'proved' : 'likely',
    summary: `${sayBytes(use.unused)} ${sayShareOf(chain, limited, use.unused)} is files in memory that no process has mapped${sayHoldings(holdings)}. They count to ${chain.shared ? 'the cgroup that it shares' : 'this container'} until they are deleted, also when their writer is gone; without swap no reclaim can take them.${isNamed ? '' : ' Which files they are could not be told from here.'}`,
    evidence: [
      ...charged(chain, breakdown, use),
      ...holdings.slice(0, 5).map(holding => ({
        claim: nameOf(holding),
        source: sourceOf(holding, container.init),
        observed: String(holding.size),
      })),
      ...incompleteness(facts),
    ],
    excluded: [
      {
        claim: 'Not private memory of its processes',
        source: memoryFile(chain.own, 'stat'),
        observed: `anonymous ${sayBytes(breakdown.anonymous)}`,
      },
      {
        claim: 'Not page cache of files on a disk',
        source: memoryFile(chain.own, 'stat'),
        observed: `file ${sayBytes(breakdown.file)}`,
      },
    ],
    fixes: fixesFor(container, holdings, shared),
  });
}

/** The root's figures are the whole host's, and it has no limit that anything could fill. */
const inRoot = ({ own }: MemoryChain): Evidence => ({
  claim: 'It is in the root memory cgroup: nothing is charged to it alone, and no limit is near',
  source: '/proc/<pid>/cgroup',
  observed: own.directory,
});

/** A bare container may share its cgroup with strangers, whose mappings nobody has listed: they bound nothing. */
const processesInCgroup = ({ container, memory, processes }: SharedMemoryCaseFacts): typeof processes =>
  container.engine === 'bare' || memory.shared
    ? absent('the processes of its cgroup', 'disabled', 'no engine made this cgroup for it alone')
    : processes;

/** In a cgroup that holds strangers too, only what was found in this container's own mounts is laid to it. */
function ownUse({ memory, sharedMemory }: SharedMemoryCaseFacts, use: Use): Use {
  if (!memory.shared) return use;
  const named = sharedMemory.present ? sizeOf(loose(sharedMemory.value)) : 0;
  return { ...use, unused: bytes(Math.min(use.unused, named)) };
}

/** What was found and no process keeps mapped as its pool. */
const loose = (shared: SharedMemoryFacts): readonly Holding[] =>
  holdingsOf(shared).filter(holding => !isPool(holding));
const sizeOf = (holdings: readonly Holding[]): number => holdings.reduce((sum, { size }) => sum + size, 0);

/** What is charged, and what processes say of it. */
function charged(chain: MemoryChain, { shared }: MemoryBreakdown, use: Use): readonly Evidence[] {
  return [
    {
      claim: 'Tmpfs files and shared memory, charged',
      source: `${memoryFile(chain.own, 'stat')} ${chain.own.version === 'v1' ? 'total_shmem' : 'shmem'}`,
      observed: String(shared),
    },
    {
      claim: 'Of it mapped by its processes',
      source: 'memory.stat mapped_file, RssShmem of /proc/<pid>/status',
      observed: String(use.mapped),
    },
  ];
}

function sayShareOf(chain: MemoryChain, limited: LimitedLevel | undefined, unused: Bytes): string {
  if (limited === undefined) return `of the ${sayBytes(chain.own.last.usage)} in use (no limit)`;
  const { level, limit } = limited;
  const of = level.path === chain.own.path ? '' : ` of ${sayLevel(chain, level)}`;
  return `(${sayShare(unused / Math.max(1, limit))}) of the ${sayBytes(limit)} limit${of}`;
}

function sayHoldings(holdings: readonly Holding[]): string {
  const [first, ...rest] = holdings;
  if (first === undefined) return '';
  const more = rest.length === 0 ? '' : ` and ${sayCount(rest.length, 'more')}`.replace(/s$/, '');
  return `: ${nameOf(first)} (${sayBytes(first.size)})${more}`;
}

function incompleteness({ sharedMemory }: SharedMemoryCaseFacts): readonly Evidence[] {
  if (!sharedMemory.present) {
    return [
      { claim: 'Its files could not be listed', source: sharedMemory.what, observed: sharedMemory.because },
    ];
  }
  return sharedMemory.value.mounts
    .filter(({ complete }) => !complete)
    .map(({ path, used }) => ({
      claim: `${path} has too many files to look at all of them`,
      source: `statfs of ${path}`,
      observed: `${used} bytes used`,
    }));
}

/** By what is left before the kernel has to kill: cache can go, shared memory cannot. */
function severityOf(limited: LimitedLevel | undefined, unused: Bytes, hostMemory: Bytes): Severity {
  if (limited === undefined) return unused >= hostMemory * shareOfLimit ? 'warning' : 'notice';
  const { usage, breakdown } = limited.level.last;
  const cache = breakdown.present
    ? Math.max(0, breakdown.value.inactiveFile + breakdown.value.activeFile - breakdown.value.dirty)
    : 0;
  const held = (usage - cache) / Math.max(1, limited.limit);
  if (held >= urgent) return 'critical';
  return held >= pressing ? 'warning' : 'notice';
}
