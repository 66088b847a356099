import {
  limitedLevels,
  type MemoryChain,
  type MemoryLevel,
  memoryFile,
  sayLevel,
} from '../../../diagnose/memory-limit.ts';
import { ageOf, hitLimitOf, isWithin, limitingLevel } from '../../../diagnose/oom-kills.ts';
import { isOwnVictim } from '../../../diagnose/oom-seen.ts';
import { largestVictim, logSource, sayAge, sizeOf } from '../../../diagnose/oom-words.ts';
import { sayStrangers } from '../../../diagnose/strangers.ts';
import { type Evidence, type Found, found, type Severity } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, shellWord } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import { bytes, type Microseconds } from '../../../linux/units.ts';
import type { CgroupOomFacts } from './case.ts';
import { counterEvidence, limitEvidence, reportEvidence } from './evidence.ts';
import { fillingOf, largestKind, sayLargest } from './filling.ts';
import { needFix, raiseFix } from './fixes.ts';

const minute = 60 * 1_000_000;
const day = 24 * 60 * minute;

/** A report names this container: the act was seen, whoever's limit it was. `open` has all that still count. */
export function foundByReport(
  facts: CgroupOomFacts,
  chain: MemoryChain,
  newest: OomReport,
  open: readonly OomReport[],
  run: 'this run' | 'an earlier run',
): Found {
  const age = ageOf(facts, newest);
  const level = limitingLevel(chain, newest);
  const limit = hitLimitOf(newest)?.limit ?? bytes(0);
  const filling = fillingOf(newest);
  const victim = largestVictim(newest);
  const who = victim === undefined ? 'a process' : sayVictim(newest);
  const strangers = isOwnVictim(facts.traced, newest) ? undefined : sayStrangers(facts);
  const severity = severityOf(age, level);
  const survived =
    run === 'this run'
      ? 'PID 1 lives on, so its engine shows a running container.'
      : 'It was started again with the same limit.';
  return found({
    severity: strangers !== undefined && severity === 'critical' ? 'warning' : severity,
    certainty: strangers !== undefined ? 'likely' : 'proved',
    summary: [
      `The kernel killed ${who} ${sayAge(age)}: ${sayPlace(chain, newest)} was at ${sayHit(newest)} and nothing in it could be reclaimed.`,
      filling === undefined ? '' : `${capitalised(sayLargest(filling))}.`,
      open.length > 1 ? `${sayCount(open.length, 'such kill')} are in the log.` : '',
      strangers !== undefined
        ? `The cgroup also holds ${strangers}, and the log does not tell whose process it was; the limit is this container's too.`
        : survived,
    ]
      .filter(part => part !== '')
      .join(' '),
    evidence: [...reportEvidence(newest), ...(run === 'this run' ? counterEvidence(chain.own) : [])],
    excluded: [...excludedByReport(newest), ...otherLevels(chain, newest)],
    fixes: [
      raiseFix(facts.container, chain, level, limit),
      needFix(filling === undefined ? 'anonymous' : largestKind(filling), victim?.name ?? 'the process'),
    ],
    trace: strangers !== undefined ? 'oom' : null,
  });
}

/** The counter moved but no report is left that names the limit; one level is full. */
export function foundByCounter(
  facts: CgroupOomFacts,
  chain: MemoryChain,
  level: MemoryLevel,
  kills: number,
  actedNow: boolean,
): Found {
  const limit = level.last.limit.kind === 'limit' ? level.last.limit.value : bytes(0);
  const strangers = sayStrangers(facts);
  const proved = actedNow && strangers === undefined;
  const whose =
    strangers === undefined
      ? 'of this container'
      : `in ${chain.own.path}, which also holds ${strangers}; whose they were is not counted`;
  return found({
    severity: proved ? 'critical' : 'warning',
    certainty: proved ? 'proved' : 'likely',
    summary: `An OOM killer ended ${sayCount(kills, 'process', 'processes')} ${whose}${actedNow ? ' while we looked' : ''}, and ${sayLevel(chain, level)} has met its limit of ${sayBytes(limit)}. The kernel log no longer has the report that says who died and what filled the limit.`,
    evidence: [...counterEvidence(chain.own), ...limitEvidence(chain, level)],
    excluded: facts.oomReports.present
      ? [
          {
            claim: 'No report blames the host',
            source: 'kernel log',
            observed: `${sayCount(facts.oomReports.value.length, 'OOM report')}, none of this cgroup`,
          },
        ]
      : [],
    fixes: [raiseFix(facts.container, chain, level, limit)],
    trace: 'oom',
  });
}

/** v1 with oom_kill_disable: nobody is killed, and whoever needs a page sleeps until there is one. */
export function foundStuck(facts: CgroupOomFacts, chain: MemoryChain, level: MemoryLevel): Found {
  const limit = level.last.limit.kind === 'limit' ? level.last.limit.value : bytes(0);
  const waiting = (facts.processes.present ? facts.processes.value : []).filter(
    ({ status, waitChannel }) =>
      status.state === 'D' && (!waitChannel.present || waitChannel.value.includes('oom')),
  );
  const [first] = waiting;
  const raise = raiseFix(facts.container, chain, level, limit);
  return found({
    severity: 'critical',
    certainty: 'proved',
    summary: `${capitalised(sayLevel(chain, level))} is out of memory at its limit of ${sayBytes(limit)}, and oom_kill_disable forbids the kernel to kill: whoever needs a page sleeps uninterruptibly until somebody frees memory or raises the limit${waiting.length > 0 ? ` (${sayCount(waiting.length, 'process', 'processes')} now)` : ''}.`,
    evidence: [
      {
        claim: 'Out of memory right now, and killing is switched off',
        source: memoryFile(level, 'kills'),
        observed: 'oom_kill_disable 1, under_oom 1',
      },
      ...limitEvidence(chain, level),
      ...(first === undefined
        ? []
        : [
            {
              claim: `${first.status.name} waits in the memory controller`,
              source: `/proc/${first.pid}/wchan`,
              observed: first.waitChannel.present ? first.waitChannel.value : `state ${first.status.state}`,
            },
          ]),
    ],
    excluded: [
      {
        claim: 'Not a disk or a frozen file system: tasks wait for memory',
        source: memoryFile(level, 'kills'),
        observed: 'under_oom 1',
      },
    ],
    fixes: [
      {
        ...raise,
        effect:
          'The waiting tasks go on at once; only a system call that met the limit while it copied returns EFAULT',
      },
      {
        action: 'Let the kernel kill again',
        command: `echo 0 > ${shellWord(memoryFile(level, 'kills'))}`,
        effect: 'The next failing charge kills the largest process instead of stopping all',
        risk: 'A process dies; what it held in memory is lost',
      },
    ],
  });
}

export const sayVictim = (report: OomReport): string => {
  const victim = largestVictim(report);
  if (victim === undefined) return 'a process';
  const others = report.victims.length - 1;
  const alone = `${victim.name} (pid ${victim.pid}, ${sayBytes(sizeOf(victim))} resident)`;
  return others > 0 ? `${alone} and ${sayCount(others, 'other process', 'other processes')}` : alone;
};

export function sayHit(report: OomReport): string {
  const hit = hitLimitOf(report);
  if (hit === undefined) return 'its limit';
  const amount = `its limit of ${sayBytes(hit.limit)}`;
  return hit.means === 'memory' ? amount : `${amount} for memory and swap together`;
}

function sayPlace(chain: MemoryChain, report: OomReport): string {
  const level = limitingLevel(chain, report);
  if (level !== undefined) return sayLevel(chain, level);
  const { limitingCgroup } = report;
  if (limitingCgroup === null) return 'a cgroup';
  return isWithin(limitingCgroup, chain.own.path)
    ? `${limitingCgroup} (a cgroup inside it)`
    : `${limitingCgroup}`;
}

export const excludedByReport = (report: OomReport): readonly Evidence[] => {
  const filling = fillingOf(report);
  return [
    {
      claim: 'Not the host: it had memory',
      source: logSource(report),
      observed: 'CONSTRAINT_MEMCG',
    },
    ...(filling === undefined || largestKind(filling) === 'file'
      ? []
      : [
          {
            claim: 'Not page cache: it had been dropped',
            source: logSource(report),
            observed: `file cache ${sayBytes(filling.file)}`,
          },
        ]),
  ];
};

/** The limits that did not act, so that nobody raises the wrong one. */
const otherLevels = (chain: MemoryChain, report: OomReport): readonly Evidence[] =>
  limitedLevels(chain)
    .filter(({ level }) => level.path !== report.limitingCgroup)
    .map(({ level, limit }) => ({
      claim: `Not the limit of ${level.path === chain.own.path ? 'its own cgroup' : level.path} (${sayBytes(limit)})`,
      source: memoryFile(level, 'hits'),
      observed: level.last.limitHits.present
        ? `${level.last.limitHits.value} charges met it`
        : 'not counted here',
    }));

/** Recent, or about to happen again: critical. */
function severityOf(age: Microseconds, level: MemoryLevel | undefined): Severity {
  if (age < 10 * minute || (level !== undefined && isNearlyFull(level))) return 'critical';
  return age < day ? 'warning' : 'notice';
}

function isNearlyFull({ last }: MemoryLevel): boolean {
  if (last.limit.kind === 'max' || !last.breakdown.present) return false;
  const { inactiveFile, activeFile, dirty } = last.breakdown.value;
  return last.usage - Math.max(0, inactiveFile + activeFile - dirty) >= last.limit.value * 0.9;
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
