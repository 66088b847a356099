import type { RuleOf } from '../../../diagnose/case.ts';
import { levelsOf } from '../../../diagnose/facts.ts';
import { memoryFile, reachesLimit } from '../../../diagnose/memory-limit.ts';
import { ageOf, type Kills, sortKills } from '../../../diagnose/oom-kills.ts';
import { isOwnVictim } from '../../../diagnose/oom-seen.ts';
import { largestVictim, logSource, sayAge, sizeOf } from '../../../diagnose/oom-words.ts';
import { sayStrangers } from '../../../diagnose/strangers.ts';
import { found, inconclusive, ruledOut, type Severity, type Verdict } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import type { definition, HostOomFacts } from './case.ts';
import { excludedBy, limitsEvidence, reportEvidence } from './evidence.ts';
import { fixesFor } from './fixes.ts';
import { largestUser, sayUser } from './users.ts';

/** Below this age a kill is news; later it is worth knowing, and no more. */
const day = 24 * 3600 * 1_000_000;

/**
 * Found: the kernel log has a run of the OOM killer that no cgroup's limit asked for, and its victim was in this
 * container. The counter oom_kill alone cannot tell: it counts kills by either OOM killer.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const kills = sortKills(facts);
  const newest = kills.byHost.at(-1);
  if (newest !== undefined) return foundByReport(facts, newest, kills.byHost, 'this run');
  const earlier = kills.earlierByHost.at(-1);
  if (earlier !== undefined && ageOf(facts, earlier) < day)
    return foundByReport(facts, earlier, kills.earlierByHost, 'an earlier run');
  return withoutReport(facts, kills);
};

function foundByReport(
  facts: HostOomFacts,
  newest: OomReport,
  all: readonly OomReport[],
  run: 'this run' | 'an earlier run',
): Verdict {
  const age = ageOf(facts, newest);
  const strangers = isOwnVictim(facts.traced, newest) ? undefined : sayStrangers(facts);
  const victim = largestVictim(newest);
  const who =
    victim === undefined ? 'a process' : `${victim.name} (pid ${victim.pid}, ${sayBytes(sizeOf(victim))})`;
  const user = largestUser(newest);
  return found({
    severity: severityOf(facts, age, run),
    certainty: strangers === undefined ? 'proved' : 'likely',
    summary: [
      `The kernel killed ${who} ${sayAge(age)}: ${placeOf(newest)} had no page left, and no limit of a cgroup was involved.`,
      user === undefined ? '' : `${sayUser(user, newest)}.`,
      all.length > 1 ? `${sayCount(all.length, 'such kill')} are in the log.` : '',
      strangers === undefined
        ? ''
        : `Its cgroup also holds ${strangers}, and the log does not tell whose process it was.`,
    ]
      .filter(part => part !== '')
      .join(' '),
    evidence: reportEvidence(facts, newest),
    excluded: excludedBy(facts),
    fixes: fixesFor(facts, newest),
    trace: strangers === undefined ? null : 'oom',
  });
}

/** What ran out: of all memory, or of the NUMA nodes that a cpuset or a memory policy allows. */
const placeOf = ({ constraint }: OomReport): string =>
  constraint === 'cpuset' || constraint === 'mempolicy'
    ? `the memory nodes that its ${constraint === 'cpuset' ? 'cpuset' : 'memory policy'} allows`
    : 'the host';

function severityOf({ container }: HostOomFacts, age: number, run: 'this run' | 'an earlier run'): Severity {
  if (age >= day) return 'notice';
  return container.state === 'exited' && run === 'this run' ? 'critical' : 'warning';
}

/** Kills are counted, no report is left, and no limit can have asked for them: then it may have been the host. */
function withoutReport(facts: HostOomFacts, kills: Kills): Verdict {
  const { container, memory, oomReports } = facts;
  if (kills.unexplained > 0 && memory.present && !anyLimitWasMet(facts))
    return inconclusive({
      what: `the report of ${sayCount(kills.unexplained, 'kill')} that ${memoryFile(memory.value.own, 'kills')} counts`,
      because: 'vanished',
      remedy: 'the kernel log was overwritten or cannot be read; journalctl -k or the node’s log may have it',
    });
  if (!oomReports.present && container.state === 'exited' && (container.exit?.code ?? 137) === 137)
    return inconclusive(oomReports);
  const other = kills.byLimit.at(-1) ?? kills.neighbour.at(-1);
  return ruledOut(
    {
      claim: 'No kill by the host’s OOM killer names it during its run',
      source: 'kernel log',
      observed: oomReports.present ? sayCount(oomReports.value.length, 'OOM report') : oomReports.because,
    },
    ...(other === undefined
      ? []
      : [
          {
            claim: 'A limit of a cgroup asked for the kill that is there',
            source: logSource(other),
            observed: `constraint=CONSTRAINT_MEMCG,oom_memcg=${other.limitingCgroup}`,
          },
        ]),
    ...limitsEvidence(facts),
  );
}

function anyLimitWasMet({ memory, host }: HostOomFacts): boolean {
  if (!memory.present) return false;
  return levelsOf(memory.value).some(({ last }) => {
    if (last.limit.kind === 'max') return false;
    // memory.failcnt may stay 0 where the limit of memory and swap together is as large: the peak tells.
    return last.peak.present
      ? reachesLimit(last.peak.value, last.limit.value, host.cpus)
      : !last.limitHits.present || last.limitHits.value > 0;
  });
}
