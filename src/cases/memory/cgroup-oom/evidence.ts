import { type MemoryChain, type MemoryLevel, memoryFile, sayLevel } from '../../../diagnose/memory-limit.ts';
import { hitLimitOf } from '../../../diagnose/oom-kills.ts';
import { kib, largestVictim, logSource } from '../../../diagnose/oom-words.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import { fillingOf, sayFilling } from './filling.ts';

/** What one report of the kernel log proves, line by line. */
export function reportEvidence(report: OomReport): readonly Evidence[] {
  const { invokedBy, limitingCgroup, victimCgroup, victims, wholeGroup } = report;
  const source = logSource(report);
  const hit = hitLimitOf(report);
  const filling = fillingOf(report);
  const names = victims.map(({ name, pid }) => `task=${name},pid=${pid}`).join(' ');
  return [
    {
      claim: 'The OOM killer acted for a memory cgroup',
      source,
      observed: `constraint=CONSTRAINT_MEMCG,oom_memcg=${limitingCgroup},task_memcg=${victimCgroup},${names}`,
    },
    ...(hit === undefined
      ? []
      : [
          {
            claim: 'At the limit',
            source,
            observed: `${hit.means === 'memory' ? 'memory' : 'memory+swap'}: usage ${kib(hit.usage)}, limit ${kib(hit.limit)}, failcnt ${hit.failures}`,
          },
        ]),
    ...(filling === undefined
      ? []
      : [
          {
            claim: 'Full of',
            source,
            observed: sayFilling(filling),
          },
        ]),
    ...(invokedBy === null
      ? []
      : [
          {
            claim: 'Who asked for the page',
            source,
            observed: `${invokedBy.name}, order=${invokedBy.order ?? '?'}, gfp_mask=${invokedBy.gfpMask ?? '?'}`,
          },
        ]),
    ...choiceEvidence(report, source),
    ...(wholeGroup
      ? [
          {
            claim: 'All of it died: memory.oom.group is set',
            source,
            observed: `${victims.length} processes killed`,
          },
        ]
      : []),
  ];
}

/** oom_badness(): resident + swap + page tables, plus oom_score_adj thousandths of the limit. */
function choiceEvidence(report: OomReport, source: string): readonly Evidence[] {
  const victim = largestVictim(report);
  if (victim === undefined) return [];
  const { name, anonymous, file, shared, oomScoreAdjust } = victim;
  const amounts = `anon-rss:${kib(anonymous)}, file-rss:${kib(file)}, shmem-rss:${kib(shared)}`;
  const observed = oomScoreAdjust === null ? amounts : `${amounts}, oom_score_adj:${oomScoreAdjust}`;
  const others = report.candidates.filter(({ pid }) => pid !== victim.pid).slice(0, 2);
  const claim = `Why ${name}: ${sayChoice(oomScoreAdjust, hitLimitOf(report)?.limit)}`;
  if (others.length === 0) return [{ claim, source, observed }];
  const compared = others.map(
    other => `${other.name} ${other.resident} pages, oom_score_adj ${other.oomScoreAdjust}`,
  );
  return [{ claim, source, observed: `${observed}; next: ${compared.join('; ')}` }];
}

function sayChoice(adjust: number | null, limit: Bytes | undefined): string {
  if (adjust === null || adjust === 0) return 'the largest by its size';
  const weight = limit === undefined ? '' : ` (${sayBytes(bytes((limit * Math.abs(adjust)) / 1000))})`;
  return adjust > 0
    ? `its size plus ${adjust} thousandths of the limit${weight}`
    : `the largest, although oom_score_adj takes ${-adjust} thousandths${weight} off`;
}

/** The counter with this cgroup's identity. */
export function counterEvidence(level: MemoryLevel): readonly Evidence[] {
  const { oomKills, subtreeOomKills } = level.last;
  const own: readonly Evidence[] = oomKills.present
    ? [
        {
          claim: 'Killed in this very cgroup',
          source: memoryFile(level, 'kills'),
          observed: `oom_kill ${oomKills.value}`,
        },
      ]
    : [];
  const nested = subtreeOomKills.present && subtreeOomKills.value > (oomKills.present ? oomKills.value : 0);
  return nested
    ? [
        ...own,
        {
          claim: 'With cgroups inside it',
          source: `${level.directory}, ${level.version === 'v1' ? 'memory.oom_control of the whole tree' : 'memory.events'}`,
          observed: `oom_kill ${subtreeOomKills.value}`,
        },
      ]
    : own;
}

/** How close a level came to its limit, and how often. */
export function limitEvidence(chain: MemoryChain, level: MemoryLevel): readonly Evidence[] {
  const { limit, peak, limitHits } = level.last;
  const whose = sayLevel(chain, level);
  const said = limit.kind === 'max' ? 'no limit' : `limit ${sayBytes(limit.value)}`;
  return [
    ...(peak.present
      ? [
          {
            claim: `Highest usage of ${whose}, ${said}`,
            source: memoryFile(level, 'peak'),
            observed: String(peak.value),
          },
        ]
      : []),
    ...(limitHits.present
      ? [
          {
            claim: `Charges that met the limit of ${whose}`,
            source: memoryFile(level, 'hits'),
            observed: level.version === 'v1' ? String(limitHits.value) : `max ${limitHits.value}`,
          },
        ]
      : []),
  ];
}
