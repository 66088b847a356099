import type { RuleOf } from '../../../diagnose/case.ts';
import { growth, levelsOf } from '../../../diagnose/facts.ts';
import {
  limitedLevels,
  type MemoryChain,
  type MemoryLevel,
  memoryFile,
  reachesLimit,
} from '../../../diagnose/memory-limit.ts';
import {
  ageOf,
  hitLimitOf,
  isMended,
  type Kills,
  limitingLevel,
  sortKills,
} from '../../../diagnose/oom-kills.ts';
import { logSource, sayAge } from '../../../diagnose/oom-words.ts';
import { type Evidence, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { CgroupOomFacts, definition } from './case.ts';
import { counterEvidence, limitEvidence } from './evidence.ts';
import { judgeExited } from './exited.ts';
import { foundByCounter, foundByReport, foundStuck } from './findings.ts';

const day = 24 * 3600 * 1_000_000;

/**
 * Found: a kill in this container that a memory cgroup's limit asked for, and that nobody has mended since. The
 * kernel's report says whose limit it was; the counter alone cannot, for it counts kills of the host's OOM
 * killer too (__oom_kill_process in mm/oom_kill.c), so without a report it is likely at best.
 */
export const rule: RuleOf<typeof definition> = facts => {
  if (facts.container.state === 'exited') return judgeExited(facts);
  if (!facts.memory.present) return inconclusive(facts.memory);
  const chain = facts.memory.value;

  const stuck = levelsOf(chain).find(({ last }) => last.oomKillDisabled && last.underOom);
  if (stuck !== undefined) return foundStuck(facts, chain, stuckLevel(chain) ?? stuck);
  if (chain.own.path === '/') return ruledOut(inRoot(chain.own));

  const kills = sortKills(facts);
  const open = kills.byLimit.filter(report => !isMended(chain, report));
  const newest = open.at(-1);
  if (newest !== undefined) return foundByReport(facts, chain, newest, open, 'this run');
  if (kills.byLimit.length === 0 && kills.unexplained > 0) return judgeCounter(facts, chain, kills);

  const earlier = kills.earlierRun.at(-1);
  if (earlier !== undefined && !isMended(chain, earlier) && ageOf(facts, earlier) < day) {
    return foundByReport(facts, chain, earlier, kills.earlierRun, 'an earlier run');
  }
  const { oomKills } = chain.own.last;
  if (!oomKills.present && !facts.oomReports.present && limitedLevels(chain).length > 0) {
    return inconclusive(oomKills, facts.oomReports);
  }
  return ruledOut(...silence(facts, chain, kills));
};

/** under_oom is set in the whole tree below the cgroup that is out of memory: the topmost such one has the limit. */
const stuckLevel = (chain: MemoryChain): MemoryLevel | undefined =>
  levelsOf(chain).findLast(
    ({ last }) => last.underOom && last.oomKillDisabled && last.limit.kind === 'limit',
  );

const inRoot = ({ directory }: MemoryLevel): Evidence => ({
  claim: 'It is in the root memory cgroup, which has no limit that could kill',
  source: '/proc/<pid>/cgroup',
  observed: directory,
});

/** Kills are counted, but the log that would say by whose limit has been overwritten or cannot be read. */
function judgeCounter(facts: CgroupOomFacts, chain: MemoryChain, kills: Kills): Verdict {
  const hit = levelsOf(chain).filter(({ last }) => !last.limitHits.present || last.limitHits.value > 0);
  if (hit.length === 0) {
    return ruledOut(
      ...counterEvidence(chain.own),
      {
        claim: 'No limit on the way to the root was ever met: the host ran out of memory, not a cgroup',
        source: memoryFile(chain.own, 'hits'),
        observed: '0 in all levels',
      },
      ...missingLog(facts),
    );
  }
  const full = hit.filter(({ last }) => {
    if (last.limit.kind === 'max') return false;
    return !last.peak.present || reachesLimit(last.peak.value, last.limit.value, facts.host.cpus);
  });
  const [nearest] = full;
  if (nearest === undefined) {
    return ruledOut(...counterEvidence(chain.own), ...hit.flatMap(level => limitEvidence(chain, level)), {
      claim: 'The limit that was met then has been raised or lifted since: its highest usage is below it',
      source: memoryFile(hit[0] ?? chain.own, 'limit'),
      observed: sayLimit(hit[0] ?? chain.own),
    });
  }
  const killedNow = growth(chain.own, ({ subtreeOomKills, oomKills }) =>
    subtreeOomKills.present ? subtreeOomKills : oomKills,
  );
  const metNow = growth(nearest, sample => sample.limitHits);
  const actedNow = killedNow.present && killedNow.value > 0 && metNow.present && metNow.value > 0;
  return foundByCounter(facts, chain, nearest, kills.unexplained, actedNow);
}

const sayLimit = ({ last }: MemoryLevel): string =>
  last.limit.kind === 'max' ? 'max' : String(last.limit.value);

const missingLog = ({ oomReports }: { oomReports: CgroupOomFacts['oomReports'] }): readonly Evidence[] =>
  oomReports.present
    ? []
    : [{ claim: 'The kernel log was not readable', source: oomReports.what, observed: oomReports.because }];

/** Why it is silent: what was counted, how near the limits came, and the kills that are none of its own now. */
function silence(facts: CgroupOomFacts, chain: MemoryChain, kills: Kills): readonly Evidence[] {
  const mended = kills.byLimit.at(-1);
  const before = kills.predecessor.at(-1) ?? kills.earlierRun.at(-1);
  const neighbour = kills.neighbour.at(-1);
  const host = kills.byHost.at(-1);
  return [
    ...counterEvidence(chain.own),
    ...limitedLevels(chain).flatMap(({ level }) => limitEvidence(chain, level)),
    ...(mended === undefined
      ? []
      : [
          {
            claim: `Killed ${sayAge(ageOf(facts, mended))} at a limit of ${sayBytes(hitLimitOf(mended)?.limit ?? bytes(0))}, which has been raised since`,
            source: memoryFile(limitingLevel(chain, mended) ?? chain.own, 'limit'),
            observed: sayLimit(limitingLevel(chain, mended) ?? chain.own),
          },
        ]),
    ...(before === undefined
      ? []
      : [
          {
            claim: `A kill ${sayAge(ageOf(facts, before))} in a cgroup of this path, before this run of the container`,
            source: logSource(before),
            observed: `task_memcg=${before.victimCgroup}`,
          },
        ]),
    ...(neighbour === undefined
      ? []
      : [
          {
            claim: `${sayAge(ageOf(facts, neighbour))} a limit that it shares killed in another cgroup`,
            source: logSource(neighbour),
            observed: `oom_memcg=${neighbour.limitingCgroup},task_memcg=${neighbour.victimCgroup}`,
          },
        ]),
    ...(host === undefined
      ? []
      : [
          {
            claim: 'One of its processes was killed because the host, not a cgroup, was out of memory',
            source: logSource(host),
            observed: `constraint=${host.constraint}`,
          },
        ]),
  ];
}
