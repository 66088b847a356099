import { ageOf, hitLimitOf, sortKills } from '../../../diagnose/oom-kills.ts';
import { largestVictim, logSource, sayAge } from '../../../diagnose/oom-words.ts';
import { type Evidence, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { bytes } from '../../../linux/units.ts';
import type { CgroupOomFacts } from './case.ts';
import { reportEvidence } from './evidence.ts';
import { fillingOf, largestKind, sayLargest } from './filling.ts';
import { excludedByReport, sayHit, sayVictim } from './findings.ts';
import { needFix, raiseFix } from './fixes.ts';

const killedBySignal9 = 137;
const day = 24 * 3600 * 1_000_000;

/**
 * The cgroup is gone, and its counters with it. What is left: the kernel log, by the container's id in the path
 * and the time of its run, and what the engine noted of the end.
 */
export function judgeExited(facts: CgroupOomFacts): Verdict {
  const { container } = facts;
  const { exit } = container;
  const { byLimit, byHost } = sortKills(facts);
  const newest = byLimit.at(-1);
  const ofHost = byHost.at(-1);
  if (newest === undefined && ofHost !== undefined)
    return ruledOut({
      claim: 'It was killed because the host, not a cgroup, was out of memory',
      source: logSource(ofHost),
      observed: `constraint=${ofHost.constraint}`,
    });
  if (newest === undefined) return withoutReport(facts);

  const age = ageOf(facts, newest);
  const filling = fillingOf(newest);
  const limit = hitLimitOf(newest)?.limit ?? bytes(0);
  const place =
    newest.limitingCgroup === newest.victimCgroup
      ? 'its own cgroup'
      : `${newest.limitingCgroup} (a cgroup above or inside it)`;
  const ended =
    exit === null
      ? 'nothing of the container is left'
      : exit.code === killedBySignal9
        ? 'the container ended with it'
        : `the container ended later by itself, with code ${exit.code}`;
  return found({
    severity: exit !== null && exit.code === 0 ? 'notice' : age < day ? 'critical' : 'warning',
    certainty: 'proved',
    summary: `The kernel killed ${sayVictim(newest)} ${sayAge(age)}, and ${ended}: ${place} was at ${sayHit(newest)} and nothing in it could be reclaimed.${filling === undefined ? '' : ` ${sayLargest(filling)}.`}`,
    evidence: [...reportEvidence(newest), ...recordEvidence(facts)],
    excluded: excludedByReport(newest),
    fixes: [
      raiseFix(container, undefined, undefined, limit),
      needFix(
        filling === undefined ? 'anonymous' : largestKind(filling),
        largestVictim(newest)?.name ?? 'the process',
      ),
    ],
  });
}

function withoutReport(facts: CgroupOomFacts): Verdict {
  const { exit } = facts.container;
  if (exit?.outOfMemory) {
    return found({
      severity: 'critical',
      certainty: 'likely',
      summary: `${facts.container.engine} noted that this container was out of memory when it ended${exit.finishedAt === null ? '' : ` at ${exit.finishedAt}`}. The kernel's report is no longer in the log, so whose limit it was and what filled it is lost.`,
      evidence: recordEvidence(facts),
      excluded: [],
      fixes: [
        {
          action: 'Start it again and look while it runs, or right after the next kill',
          effect: 'Then the kernel log names the limit, the victim and what the limit was full of',
          risk: 'It may be killed again',
        },
      ],
      trace: 'oom',
    });
  }
  const mayHaveBeen = exit === null || exit.code === killedBySignal9;
  if (!facts.oomReports.present && mayHaveBeen) return inconclusive(facts.oomReports);
  return ruledOut(...recordEvidence(facts), {
    claim: 'No OOM report of a memory cgroup names it during its run',
    source: 'kernel log',
    observed: facts.oomReports.present
      ? `${facts.oomReports.value.length} OOM reports`
      : facts.oomReports.because,
  });
}

function recordEvidence({ container: { engine, exit } }: CgroupOomFacts): readonly Evidence[] {
  if (exit === null) return [];
  return [
    {
      claim: exit.outOfMemory ? 'Its engine saw an OOM event in it' : 'Its engine saw no OOM event in it',
      source: `${engine} inspect, State`,
      observed: `OOMKilled ${exit.outOfMemory}, ExitCode ${exit.code}`,
    },
  ];
}
