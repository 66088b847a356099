import { cpuUsageFile } from '../../../diagnose/cpu-usage.ts';
import type { CommonFacts, FactsByName } from '../../../diagnose/facts.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import type { Reading } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { Bandwidth } from './bandwidth.ts';

export function usageEvidence(
  { usage, level, quota, period }: Bandwidth,
  windowMs: number,
): readonly Evidence[] {
  if (!usage.present) return [];
  const allowed = microseconds((windowMs * 1000 * quota) / period);
  return [
    {
      claim: `CPU time used, of ${sayTime(allowed)}`,
      source: cpuUsageFile(level),
      observed: `+${sayTime(usage.value)}`,
    },
  ];
}

interface ExcludingFacts extends CommonFacts {
  readonly cpuset: Reading<FactsByName['cpuset']>;
  readonly processes: Reading<readonly ProcessFacts[]>;
}

export const excludedBy = (
  facts: ExcludingFacts,
  bandwidth: Bandwidth,
  limited: readonly Bandwidth[],
): readonly Evidence[] => [
  ...notNeighbour(facts, bandwidth),
  ...notCpuset(facts, bandwidth),
  notAnotherLevel(bandwidth, limited),
];

/**
 * A throttled task stays on the run queue of its group, so waiting for the next period counts as waiting for a
 * CPU too. Only what throttling does not explain is a neighbour's.
 */
function notNeighbour(
  { processes, windowMs }: ExcludingFacts,
  { throttledTime }: Bandwidth,
): readonly Evidence[] {
  const waits = (processes.present ? processes.value : []).flatMap(({ scheduler }) =>
    scheduler.present ? [scheduler.value.last.waiting - scheduler.value.first.waiting] : [],
  );
  if (waits.length === 0) return [];
  const waited = waits.reduce((sum, wait) => sum + Math.max(0, wait), 0);
  const unexplained = Math.max(0, waited - throttledTime);
  if (unexplained > windowMs * 1000 * 0.1) return [];
  return [
    {
      claim: `Not a neighbour: waited ${sayTime(microseconds(unexplained))} for a CPU beyond the throttling`,
      source: '/proc/<pid>/task/*/schedstat, second field',
      observed: `+${sayTime(microseconds(waited))}`,
    },
  ];
}

function notCpuset({ cpuset }: ExcludingFacts, { quota, period }: Bandwidth): readonly Evidence[] {
  if (!cpuset.present) return [];
  const { cpus } = cpuset.value.own.last;
  if (cpus.length * period < quota) return [];
  return [
    {
      claim: `Not the cpuset: ${sayCount(cpus.length, 'CPU')} allowed`,
      source: cpuset.value.own.directory,
      observed: cpus.join(','),
    },
  ];
}

function notAnotherLevel(bandwidth: Bandwidth, limited: readonly Bandwidth[]): Evidence {
  const others = limited.filter(other => other !== bandwidth);
  const also = others.filter(({ throttledPeriods }) => throttledPeriods > 0);
  return {
    claim:
      others.length === 0
        ? 'Not another level: no other one has a quota'
        : also.length === 0
          ? `Not ${others.map(({ level }) => level.path).join(', ')}: has a quota, was not throttled`
          : `${also.map(({ level }) => level.path).join(', ')} was throttled too, for less time`,
    source: 'cpu.stat nr_throttled of each level',
    observed:
      others.map(({ level, throttledPeriods }) => `${level.path} +${throttledPeriods}`).join(', ') || 'none',
  };
}
