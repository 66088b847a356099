import { levelsOf } from '../../../diagnose/facts.ts';
import { memoryFile, sayLevel } from '../../../diagnose/memory-limit.ts';
import { kib, largestVictim, logSource } from '../../../diagnose/oom-words.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import type { HostOomFacts } from './case.ts';
import { isVictim } from './users.ts';

const constraints = {
  none: 'CONSTRAINT_NONE',
  cpuset: 'CONSTRAINT_CPUSET',
  mempolicy: 'CONSTRAINT_MEMORY_POLICY',
  memcg: 'CONSTRAINT_MEMCG',
  unknown: '(not said)',
} as const;

const shownUsers = 3;

export function reportEvidence(facts: HostOomFacts, report: OomReport): readonly Evidence[] {
  const source = logSource(report);
  const { constraint, victimCgroup, invokedBy, candidates } = report;
  const victim = largestVictim(report);
  const named = victim === undefined ? '' : `,task=${victim.name},pid=${victim.pid}`;
  const others = candidates.filter(candidate => !isVictim(report, candidate)).slice(0, shownUsers);
  return [
    {
      claim: 'The OOM killer acted for the host, not for a cgroup',
      source,
      observed: `constraint=${constraints[constraint]},task_memcg=${victimCgroup}${named}`,
    },
    ...(victim === undefined
      ? []
      : [
          {
            claim: 'What the victim had',
            source,
            observed: `anon-rss:${kib(victim.anonymous)}, file-rss:${kib(victim.file)}, shmem-rss:${kib(victim.shared)}, oom_score_adj:${victim.oomScoreAdjust ?? '?'}`,
          },
        ]),
    ...(others.length === 0
      ? []
      : [
          {
            claim: 'Who else used memory then, the most first',
            source: `${source}, Tasks state`,
            observed: others
              .map(
                ({ pid, name, resident, swapped, oomScoreAdjust }) =>
                  `${name} (pid ${pid}) rss ${resident} pages${swapped > 0 ? `, swapped ${swapped}` : ''}, oom_score_adj ${oomScoreAdjust}`,
              )
              .join('; '),
          },
        ]),
    ...(invokedBy === null
      ? []
      : [
          {
            claim: 'Who asked for the page that was not there',
            source,
            observed: `${invokedBy.name}, order=${invokedBy.order ?? '?'}, gfp_mask=${invokedBy.gfpMask ?? '?'}`,
          },
        ]),
    ...counted(facts),
  ];
}

function counted({ memory }: HostOomFacts): readonly Evidence[] {
  if (!memory.present || !memory.value.own.last.oomKills.present) return [];
  const { own } = memory.value;
  if (!own.last.oomKills.present) return [];
  return [
    {
      claim: 'Killed in this very cgroup, by whichever OOM killer',
      source: memoryFile(own, 'kills'),
      observed: `oom_kill ${own.last.oomKills.value}`,
    },
  ];
}

/** How far below their limits its cgroups stayed. */
export function limitsEvidence({ memory }: HostOomFacts): readonly Evidence[] {
  if (!memory.present) return [];
  const chain = memory.value;
  return levelsOf(chain).flatMap(level => {
    const { limit, peak } = level.last;
    if (limit.kind === 'max' || !peak.present) return [];
    return [
      {
        claim: `Highest usage of ${sayLevel(chain, level)}, limit ${sayBytes(limit.value)}`,
        source: memoryFile(level, 'peak'),
        observed: String(peak.value),
      },
    ];
  });
}

export function excludedBy(facts: HostOomFacts): readonly Evidence[] {
  const limits = limitsEvidence(facts);
  if (limits.length > 0 || !facts.memory.present) return limits;
  return [
    {
      claim: 'It has no memory limit that could have killed it',
      source: memoryFile(facts.memory.value.own, 'limit'),
      observed: 'max, up to the root',
    },
  ];
}
