import type { RuleOf } from '../../../diagnose/case.ts';
import { cpuUsageFile } from '../../../diagnose/cpu-usage.ts';
import { growth } from '../../../diagnose/facts.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount, sayShare, sayTime } from '../../../diagnose/wording.ts';
import { microseconds } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { followers, type TrueLimit, trueLimit, wholeCpus } from './view.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const visible = visibleCpus(facts);
  const limit = trueLimit(facts.cpu);
  if (limit === undefined)
    return ruledOut({
      claim: `No CPU limit: the ${sayCount(visible, 'CPU')} it sees are what it may use`,
      source: `${facts.cpu.own.directory}/${facts.cpu.own.version === 'v1' ? 'cpu.cfs_quota_us' : 'cpu.max'}`,
      observed: 'no limit',
    });
  // A limit of 1.5 CPUs under a view of 2 is as near as whole CPUs can be.
  if (wholeCpus(limit) >= visible) return ruledOut(quotaEvidence(limit), seenEvidence(facts, visible));
  const [most, ...more] = followers(facts.processes, visible);
  if (most === undefined)
    return ruledOut({
      claim: `None of its processes has as many threads as the ${visible} CPUs it sees`,
      source: '/proc/<pid>/status Threads',
      observed: String(Math.max(0, ...facts.processes.map(({ status }) => status.threads))),
    });

  return found({
    severity: 'notice',
    certainty: 'proved',
    summary: summaryOf(facts, limit, visible, most),
    evidence: [
      quotaEvidence(limit),
      seenEvidence(facts, visible),
      ...[most, ...more].slice(0, 3).map(threadsEvidence),
      ...usageEvidence(facts, limit),
      ...loadEvidence(facts),
    ],
    excluded: [],
    fixes: fixesFor(facts, limit, visible),
  });
};

/** What sched_getaffinity() gives, and with it nproc and most runtimes: the cpuset counts there, a quota does not. */
const visibleCpus = ({ cpuset, host }: RuleFacts): number =>
  cpuset.present ? Math.min(cpuset.value.own.last.cpus.length, host.cpus) : host.cpus;

const sayCpus = (cpus: number): string => String(Number(cpus.toFixed(2)));

function summaryOf({ cpu }: RuleFacts, limit: TrueLimit, visible: number, most: ProcessFacts): string {
  const where = limit.level === cpu.own ? '' : `, set by the cgroup ${limit.level.path} above it`;
  const lasts = microseconds(limit.quota / visible);
  return `Inside, nproc and top show ${sayCount(visible, 'CPU')}, and its limit is ${sayCpus(limit.cpus)}${where}: /proc and sched_getaffinity() know nothing of a quota. ${sayProgram(most)} has ${most.status.threads} threads; ${visible} of them at once use the ${sayTime(limit.quota)} of a period of ${sayTime(limit.period)} up in ${sayTime(lasts)}. Load and CPU use that tools show in it are the host's.`;
}

const quotaEvidence = ({ level, quota, period, cpus }: TrueLimit): Evidence => ({
  claim: `CPU limit: ${sayCpus(cpus)}`,
  source:
    level.version === 'v1'
      ? `${level.directory}/cpu.cfs_quota_us, cpu.cfs_period_us`
      : `${level.directory}/cpu.max`,
  observed: level.version === 'v1' ? `${quota}, ${period}` : `${quota} ${period}`,
});

function seenEvidence({ cpuset, host }: RuleFacts, visible: number): Evidence {
  if (!cpuset.present)
    return {
      claim: `CPUs it sees: ${visible}, all of the host's`,
      source: '/proc/stat',
      observed: String(host.cpus),
    };
  const { directory, version, last } = cpuset.value.own;
  return {
    claim: `CPUs it sees: ${visible}, of the host's ${host.cpus}`,
    source: `${directory}/${version === 'v1' ? 'cpuset.effective_cpus' : 'cpuset.cpus.effective'}`,
    observed: last.cpus.join(','),
  };
}

const threadsEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: `Threads of ${status.name}`,
  source: `/proc/${pid}/status Threads`,
  observed: String(status.threads),
});

function usageEvidence({ cpu, windowMs }: RuleFacts, limit: TrueLimit): readonly Evidence[] {
  const used = growth(cpu.own, sample => sample.usage);
  if (!used.present || cpu.shared) return [];
  const cpus = used.value / 1000 / windowMs;
  return [
    {
      claim: `CPU it really used: ${sayCpus(cpus)}, ${sayShare(cpus / limit.cpus)} of its limit`,
      source: cpuUsageFile(cpu.own),
      observed: `+${sayTime(microseconds(used.value))}`,
    },
  ];
}

const loadEvidence = ({ host }: RuleFacts): readonly Evidence[] =>
  host.loadAverage.present
    ? [
        {
          claim: "Load average that it is shown: the whole host's",
          source: '/proc/loadavg',
          observed: host.loadAverage.value.join(' '),
        },
      ]
    : [];
