import { type FactsByName, growth, levelsOf, type Neighbour } from '../../../diagnose/facts.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import { mapReading, orElse, type Reading } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';
import type { Contention } from './contention.ts';
import { weightFile, weightOf } from './words.ts';

export function neighbourEvidence(neighbour: Neighbour): readonly Evidence[] {
  const { level, path, used, member } = neighbour;
  const usage: Evidence = {
    claim: level === null ? 'CPU time of tasks directly in this cgroup' : 'CPU time of the neighbour',
    source: level === null ? `usage of ${path} without those in it that are known` : `usage of ${path}`,
    observed: `+${sayTime(used)}`,
  };
  const theirs = level === null ? undefined : weightOf(level);
  const ours = weightOf(member);
  if (theirs === undefined || ours === undefined || level === null) return [usage];
  return [
    usage,
    {
      claim: 'Weights: the neighbour, and this side',
      source: `${weightFile(level)} of ${level.directory}, ${member.directory}`,
      observed: `${theirs.value}, ${ours.value}`,
    },
  ];
}

interface PsiFacts {
  readonly pressure: Reading<FactsByName['pressure']>;
}

export function psiEvidence({ pressure }: PsiFacts): readonly Evidence[] {
  if (!pressure.present || pressure.value.shared) return [];
  const { own } = pressure.value;
  const stalled = growth(own, sample => mapReading(sample.cpu, ({ some }) => some.total));
  if (!stalled.present) return [];
  return [
    {
      claim: 'Time in which at least one of its threads waited',
      source: `${own.directory}/cpu.pressure some total (µs)`,
      observed: `+${sayTime(microseconds(stalled.value))}`,
    },
  ];
}

interface ExcludingFacts {
  readonly cpu: FactsByName['cpu'];
  readonly cpuset: Reading<FactsByName['cpuset']>;
}

export function excludedBy(
  { cpu, cpuset }: ExcludingFacts,
  { throttled, cpus, lost, waited }: Contention,
): readonly Evidence[] {
  const periods = levelsOf(cpu).reduce(
    (sum, level) =>
      sum +
      orElse(
        growth(level, ({ throttling }) => mapReading(throttling, counters => counters.throttledPeriods)),
        0,
      ),
    0,
  );
  const evidence: Evidence[] = [
    {
      claim:
        periods === 0 ? 'Not a quota: nothing was throttled' : 'A quota explains a part of the wait only',
      source: 'cpu.stat nr_throttled, of its cgroup and all above',
      observed: periods === 0 ? '+0' : `+${periods}, ${sayTime(throttled)} of ${sayTime(waited)}`,
    },
    {
      claim: 'Not its own threads: others used what it lost',
      source: '/proc/stat less its own usage, or the usage of those who may run nowhere else',
      observed: sayTime(lost),
    },
  ];
  if (cpuset.present)
    evidence.push({
      claim: `It may use ${sayCount(cpus.length, 'CPU')}; only these were looked at`,
      source: cpuset.value.own.directory,
      observed: cpus.join(','),
    });
  return evidence;
}
