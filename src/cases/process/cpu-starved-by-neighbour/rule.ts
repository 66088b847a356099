import type { RuleOf } from '../../../diagnose/case.ts';
import { cpuUsageFile } from '../../../diagnose/cpu-usage.ts';
import type { Neighbour } from '../../../diagnose/facts.ts';
import { type Evidence, found, inconclusive, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayCount, sayShare, sayTime } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';
import { type Contention, lostShare, measureContention } from './contention.ts';
import { excludedBy, neighbourEvidence, psiEvidence } from './evidence.ts';
import { fixesFor } from './fixes.ts';
import { type SeenTakers, seenTakers } from './seen.ts';
import { sayNeighbour, sayWeights } from './words.ts';

/** Below these nobody would notice: a tenth of the window, and three tenths of what it could have had. */
const leastLostOfWindow = 0.1;
const leastShare = 0.3;
/** /proc/stat counts in ticks of 10 ms, and a CPU is idle for a moment whenever tasks move. */
const saturated = 0.85;

export const rule: RuleOf<typeof definition> = facts => {
  const allowed = facts.cpuset.present ? facts.cpuset.value.own.last.cpus : undefined;
  const contention = measureContention(facts, allowed);
  const window = facts.windowMs * 1000;
  const enough = window * leastLostOfWindow;
  const waited = waitEvidence(contention);
  if (contention.waited < enough) return ruledOut(waited);
  if (contention.waited - contention.throttled < enough)
    return ruledOut(waited, {
      claim: 'Throttling explains the wait',
      source: `${facts.cpu.own.directory}/cpu.stat and those above, × threads per CPU`,
      observed: `+${sayTime(contention.throttled)}`,
    });
  if (contention.othersUsed === undefined)
    return inconclusive({
      what: '/proc/stat of the host, in both samples',
      because: 'unreadable',
      remedy: 'the observation lacks it; take it again with this Glassbox',
    });
  if (contention.busyShare < saturated) return ruledOut(waited, idleEvidence(contention));
  if (contention.lost < enough || lostShare(contention) < leastShare)
    return ruledOut(waited, ownThreads(contention, facts));

  const takers = contention.takers.filter(({ taken }) => taken >= contention.lost / 20);
  const seen = seenTakers(facts.traced, facts.neighbours);
  const culprit = takers.find(({ neighbour }) => neighbour === seen?.most?.neighbour) ?? takers[0];
  const isNamed =
    (culprit?.certain === true && culprit.taken >= contention.lost / 2) || isSeen(seen, culprit?.neighbour);
  return found({
    severity: isAnyones(culprit?.neighbour, seen) ? 'notice' : severityOf(contention),
    certainty: isNamed ? 'proved' : 'likely',
    summary: summaryOf(contention, culprit?.neighbour, facts),
    evidence: [
      waited,
      ranEvidence(contention, facts),
      ...psiEvidence(facts),
      ...(seen?.evidence ?? []),
      ...takers.slice(0, 3).flatMap(({ neighbour }) => neighbourEvidence(neighbour)),
      busyEvidence(contention),
    ],
    excluded: excludedBy(facts, contention),
    fixes: fixesFor(facts, culprit?.neighbour),
    trace: 'runq',
  });
};

/** It had the CPU for half of what the threads waited, and nobody had it longer. */
const isSeen = (seen: SeenTakers | undefined, culprit: Neighbour | undefined): boolean =>
  seen?.most !== undefined && seen.most.neighbour === culprit && seen.most.us >= seen.waitedUs / 2;

/**
 * Tasks directly in the root are what is left when all cgroups are taken off: the machine's own processes and kernel threads,
 * many at once. That is a full machine, and no neighbour, unless one of them was seen to have the CPU.
 */
const isAnyones = (culprit: Neighbour | undefined, seen: SeenTakers | undefined): boolean =>
  culprit?.level === null &&
  culprit.path === '/' &&
  !(isSeen(seen, culprit) && seen !== undefined && seen.mostByOneUs >= seen.waitedUs / 2);

export type RuleFacts = Parameters<typeof rule>[0];

/**
 * Whoever wakes up on a busy CPU waits until the one that runs has had its slice, a few milliseconds, whatever the
 * weights are: that is latency, and no weight mends it. Two slices and more is being kept waiting.
 */
const oneTurn = 8_000;

/** Two equals on one CPU get half each: that is sharing, and worth knowing. One in five or less is harm. */
function severityOf(contention: Contention): Severity {
  if (contention.waitEach < oneTurn) return 'notice';
  const share = lostShare(contention);
  return share >= 0.8 ? 'critical' : share >= 0.6 ? 'warning' : 'notice';
}

function summaryOf(contention: Contention, culprit: Neighbour | undefined, { windowMs }: RuleFacts): string {
  const { waited, ran, lost, cpus } = contention;
  const own = `In a window of ${Math.round(windowMs)} ms its threads ran for ${sayTime(ran)} and waited ${sayTime(waited)}, ready to run`;
  const who =
    culprit === undefined
      ? 'others, who cannot be named here'
      : `${sayNeighbour(culprit)}, which used ${sayTime(culprit.used)}`;
  const got = `${sayShare(lostShare(contention))} of what ${sayCount(cpus.length, 'CPU')} could have given it (${sayTime(lost)}) went to ${who}`;
  const weights = culprit === undefined ? '' : ` ${sayWeights(culprit)}`;
  return `${own}. ${got}.${weights}`;
}

const waitEvidence = ({ waited, waitEach }: Contention): Evidence => ({
  claim: 'Time its threads were ready and waited for a CPU',
  source: '/proc/<pid>/task/<tid>/schedstat, second field (ns), per time slice',
  observed: `+${sayTime(waited)}, ${sayTime(waitEach)} each`,
});

const ranEvidence = ({ ran }: Contention, { cpu: { own, shared } }: RuleFacts): Evidence => ({
  claim: 'CPU time it got',
  source: shared ? '/proc/<pid>/task/<tid>/schedstat, first field (ns)' : cpuUsageFile(own),
  observed: `+${sayTime(ran)}`,
});

const busyEvidence = ({ busyShare, cpus, othersUsed }: Contention): Evidence => ({
  claim: `Its CPUs had no time left (${sayShare(busyShare)} used); others used`,
  source: `/proc/stat ${cpus.map(number => `cpu${number}`).join(', ')}`,
  observed: othersUsed === undefined ? 'not known' : `+${sayTime(othersUsed)}`,
});

const idleEvidence = ({ busyShare, cpus }: Contention): Evidence => ({
  claim: 'Its CPUs had time left: no neighbour kept it from them',
  source: `/proc/stat ${cpus.map(number => `cpu${number}`).join(', ')}`,
  observed: `${sayShare(busyShare)} used`,
});

const ownThreads = ({ ran, cpus, lost }: Contention, { cpu: { own } }: RuleFacts): Evidence => ({
  claim: 'It had most of its CPUs: its own threads wait for each other',
  source: `${cpuUsageFile(own)}, ${sayCount(cpus.length, 'CPU')}`,
  observed: `ran ${sayTime(ran)}, lost ${sayTime(lost)}`,
});
