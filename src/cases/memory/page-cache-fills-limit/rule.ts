import type { RuleOf } from '../../../diagnose/case.ts';
import { growth } from '../../../diagnose/facts.ts';
import {
  type LimitedLevel,
  limitedLevels,
  type MemoryChain,
  memoryFile,
  roomierLimit,
  sayLevel,
  setLimitCommand,
  tightestLevel,
} from '../../../diagnose/memory-limit.ts';
import {
  type Evidence,
  type Fix,
  found,
  inconclusive,
  ruledOut,
  type Verdict,
} from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import type { MemoryBreakdown } from '../../../linux/cgroup/model.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { definition, PageCacheFacts } from './case.ts';
import { measureHarm } from './harm.ts';

/** From here on a limit counts as used up; reclaim works in batches and stays a little below it. */
const full = 0.9;
/** The share of the usage that must be cache for the usage to be "mostly cache". */
const mostly = 0.5;

/**
 * Found: usage stands at a limit that charges have met, most of it is page cache that the kernel takes back for
 * the asking, and nobody was killed. A notice, for that is how Linux uses memory; a warning when pages that were
 * taken are needed again, or tasks wait for memory.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const chain = facts.memory;
  const nearest = tightestLevel(chain);
  if (nearest === undefined) {
    return ruledOut({
      claim: 'No memory limit on the way to the root',
      source: memoryFile(chain.own, 'limit'),
      observed: 'max',
    });
  }
  const filled = limitedLevels(chain).find(isFullOfCache);
  if (filled === undefined) {
    const { breakdown } = nearest.level.last;
    return isFull(nearest) && !breakdown.present
      ? inconclusive(breakdown)
      : ruledOut(...fullness(chain, nearest));
  }
  const killed = growth(chain.own, sample => sample.oomKills);
  if (killed.present && killed.value > 0) {
    return ruledOut(...fullness(chain, filled), {
      claim: 'A process was killed while we looked: this is no longer about cache',
      source: memoryFile(chain.own, 'kills'),
      observed: `+${killed.value}`,
    });
  }
  return judgeFilled(facts, filled);
};

function judgeFilled(facts: PageCacheFacts, filled: LimitedLevel): Verdict {
  const { level, limit } = filled;
  const { usage, breakdown } = level.last;
  if (!breakdown.present) return inconclusive(breakdown);
  const chain = facts.memory;
  const { anonymous, shared, dirty, writeback } = breakdown.value;
  const cache = reclaimable(breakdown.value);
  const harm = measureHarm(facts, level);
  const whose =
    level.path === chain.own.path && !chain.shared ? 'it read or wrote' : 'it and others there read or wrote';
  return found({
    severity: harm.hurts ? 'warning' : 'notice',
    certainty: 'proved',
    summary: `${capitalised(sayLevel(chain, level))} stands at ${sayBytes(usage)} of its ${sayBytes(limit)}, but ${sayBytes(cache)} of it is page cache of files ${whose}, kept until somebody needs the room. Processes hold ${sayBytes(anonymous)}. ${harm.summary}`,
    evidence: [...fullness(chain, filled), ...harm.evidence],
    excluded: [
      {
        claim: 'Not the memory of its processes',
        source: memoryFile(level, 'stat'),
        observed: `anonymous ${sayBytes(anonymous)}, shared ${sayBytes(shared)}`,
      },
      {
        claim: 'Not cache that waits for the disk',
        source: memoryFile(level, 'stat'),
        observed: `dirty ${sayBytes(dirty)}, writeback ${sayBytes(writeback)}`,
      },
      ...killEvidence(chain),
    ],
    fixes: harm.hurts
      ? [more(facts.container, chain, filled), less]
      : [leave, more(facts.container, chain, filled)],
    trace: harm.hurts ? 'reclaim' : null,
  });
}

const isFull = ({ level, limit }: LimitedLevel): boolean => level.last.usage >= limit * full;

function isFullOfCache(candidate: LimitedLevel): boolean {
  const { usage, breakdown, limitHits } = candidate.level.last;
  return (
    isFull(candidate) &&
    breakdown.present &&
    reclaimable(breakdown.value) >= usage * mostly &&
    (!limitHits.present || limitHits.value > 0)
  );
}

/** How full the level is, of what, and how often its limit was met. */
function fullness(chain: MemoryChain, { level, limit }: LimitedLevel): readonly Evidence[] {
  const { usage, breakdown, limitHits } = level.last;
  const composition: readonly Evidence[] = breakdown.present
    ? [
        {
          claim: `${sayShare(reclaimable(breakdown.value) / Math.max(1, usage))} of it can be dropped at once`,
          source: memoryFile(level, 'stat'),
          observed: sayComposition(breakdown.value),
        },
      ]
    : [];
  return [
    {
      claim: `${sayShare(usage / Math.max(1, limit))} of the limit of ${sayBytes(limit)} of ${sayLevel(chain, level)}`,
      source: memoryFile(level, 'usage'),
      observed: String(usage),
    },
    ...composition,
    {
      claim: 'Charges that met the limit',
      source: memoryFile(level, 'hits'),
      observed: limitHits.present ? String(limitHits.value) : 'not counted on this kernel',
    },
  ];
}

/** Pages of files on the reclaim lists that need not be written first. */
const reclaimable = ({ inactiveFile, activeFile, dirty, writeback }: MemoryBreakdown): Bytes =>
  bytes(Math.max(0, inactiveFile + activeFile - dirty - writeback));

const sayComposition = ({ inactiveFile, activeFile, anonymous, shared, dirty }: MemoryBreakdown): string =>
  `inactive_file ${inactiveFile}, active_file ${activeFile}, dirty ${dirty}, anon ${anonymous}, shmem ${shared}`;

const killEvidence = ({ own }: MemoryChain): readonly Evidence[] =>
  own.last.oomKills.present
    ? [
        {
          claim:
            own.last.oomKills.value === 0 ? 'Nobody was ever killed for it' : 'Nobody is being killed now',
          source: memoryFile(own, 'kills'),
          observed: `oom_kill ${own.last.oomKills.value}`,
        },
      ]
    : [];

const leave: Fix = {
  action: 'None needed: alarm on usage − inactive_file − active_file, or on memory pressure',
  effect: 'It fires when processes are short of memory, not when files are cached',
  risk: 'No risk',
};

const less: Fix = {
  action: 'Let bulk readers drop what they have read: posix_fadvise POSIX_FADV_DONTNEED, or O_DIRECT',
  effect: 'A backup or a log reader no longer pushes out pages that the service needs',
  risk: 'A file that is read again comes from the disk',
};

function more(
  container: Parameters<typeof setLimitCommand>[0],
  chain: MemoryChain,
  { level, limit }: LimitedLevel,
): Fix {
  const wanted = roomierLimit(limit);
  const command = setLimitCommand(container, chain, level, wanted);
  return {
    action: `${container.pod === null ? `Raise the limit of ${sayLevel(chain, level)}` : `Raise resources.limits.memory of ${container.pod.container}`} to ${sayBytes(wanted)} if its files shall stay in memory`,
    ...(command === undefined ? {} : { command }),
    effect: 'More of the files stays cached; when refaults stop, the working set fits',
    risk:
      limitedLevels(chain).length > 1
        ? 'Another limit above it may be met next'
        : 'The host must have the memory',
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
