import type { RuleOf } from '../../../diagnose/case.ts';
import { growth, type Level, levelsOf } from '../../../diagnose/facts.ts';
import { type MemoryChain, type MemoryLevel, memoryFile, sayLevel } from '../../../diagnose/memory-limit.ts';
import { type MemoryStalls, measureStalls, refaultsIn } from '../../../diagnose/memory-stalls.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { capitalised, sayBytes, sayShare } from '../../../diagnose/wording.ts';
import type { MemorySample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { Bytes } from '../../../linux/units.ts';
import type { definition, HighLimitFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { penalised, stallsByPenalty } from './penalised.ts';

/** Less than a tenth of the time is what reclaim at any bound costs. */
const notable = 0.1;
/** Half of the time some task stands still. */
const severe = 0.5;

/** A level that has a memory.high, and how often tasks were held up at it in the window. */
export interface Bounded {
  readonly level: MemoryLevel;
  readonly high: Bytes;
}

/**
 * Found: the kernel counted tasks held up at a memory.high in the window, and some task stood still for a notable part of
 * it. Not where reclaim finds room in time, which is what memory.high is for. Pages that come back from swap or disk may be
 * a part of the waits: it is this bound that took them.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { memory: chain } = facts;
  const bounded = levelsOf(chain).flatMap(boundedOf);
  if (bounded.length === 0) return ruledOut(noBound(chain));
  const held = bounded.flatMap(bound => {
    const times = growth(bound.level, highHits);
    return times.present && times.value > 0 ? [{ ...bound, times: times.value }] : [];
  })[0];
  if (held === undefined) return ruledOut(...bounded.map(quiet));
  const counted: Evidence = {
    claim: `Its tasks were held up at memory.high of ${sayBytes(held.high)} in the window`,
    source: `${held.level.directory}/memory.events.local high`,
    observed: `+${held.times}`,
  };
  const stalls = measureStalls(facts) ?? stallsByPenalty(facts.processes);
  if (stalls === undefined) return inconclusive(unmeasured(facts));
  if (stalls.share < notable) return ruledOut(stalls.evidence, counted);
  return judge(facts, held, counted, stalls);
};

function boundedOf(level: MemoryLevel): readonly Bounded[] {
  const { high } = level.last;
  return high.present && high.value.kind === 'limit' ? [{ level, high: high.value.value }] : [];
}

const highHits = ({ highHits: times }: MemorySample) =>
  times === undefined ? absent('memory.events high', 'kernel-too-old', 'needs cgroup v2') : present(times);

const noBound = ({ own }: MemoryChain): Evidence =>
  own.version === 'v1'
    ? {
        claim: 'Its memory controller is of cgroup v1, which has no memory.high',
        source: memoryFile(own, 'limit'),
        observed: 'v1',
      }
    : {
        claim: 'No memory.high on the way to the root',
        source: `${own.directory}/memory.high`,
        observed: 'max',
      };

const quiet = ({ level, high }: Bounded): Evidence => ({
  claim: `Nobody was held up at memory.high of ${sayBytes(high)} in the window`,
  source: `${level.directory}/memory.events.local high`,
  observed: `+0; memory.current ${level.last.usage}`,
});

const unmeasured = ({ container }: HighLimitFacts) =>
  absent(
    `how long tasks of ${container.name} stand still: memory.pressure of a cgroup of its own`,
    'disabled',
    'boot with psi=1, and start it in a cgroup of its own',
  );

function judge(
  { container, memory: chain, processes, windowMs }: HighLimitFacts,
  held: Bounded & { readonly times: number },
  counted: Evidence,
  stalls: MemoryStalls,
) {
  const { level, high, times } = held;
  const { usage, breakdown } = level.last;
  const asleep = penalised(processes);
  const returning = refaultsIn(chain.own, windowMs);
  const isOwn = level.path === chain.own.path && !chain.shared;
  const anonymous = breakdown.present ? breakdown.value.anonymous : undefined;
  const nothing =
    anonymous !== undefined && anonymous > usage / 2
      ? ` ${sayBytes(anonymous)} of it is memory of its processes, which only swap could take: making room finds little, and the waits grow.`
      : '';
  return found({
    severity: stalls.share >= severe ? 'critical' : 'warning',
    certainty: isOwn || asleep.length > 0 ? 'proved' : 'likely',
    summary: `${capitalised(sayLevel(chain, level))} uses ${sayBytes(usage)} and has a memory.high of ${sayBytes(high)}. Above that the kernel does not refuse and does not kill: it puts each task that allocates to sleep, up to 2 s at a time, ${times} times in the window. Some task stood still ${sayShare(stalls.share)} of the time.${nothing}`,
    evidence: [
      counted,
      {
        claim: `${sayShare(usage / Math.max(1, high))} of memory.high`,
        source: `${level.directory}/memory.current, memory.high`,
        observed: `${usage}, ${high}`,
      },
      stalls.evidence,
      ...asleep.slice(0, 3),
      ...(returning?.much === true ? [returning.evidence] : []),
    ],
    excluded: [...notTheLimit(level), ...(returning?.much === false ? [returning.evidence] : [])],
    fixes: fixesFor(container, chain, held),
    trace: 'reclaim',
  });
}

function notTheLimit(level: Level<MemorySample>): readonly Evidence[] {
  const met = growth(level, ({ limitHits }) => limitHits);
  return met.present && met.value === 0
    ? [
        {
          claim: 'Not the limit: memory.max was not met',
          source: `${level.directory}/memory.events.local max`,
          observed: '+0',
        },
      ]
    : [];
}
