import type { RuleOf } from '../../../diagnose/case.ts';
import { growth, type Level } from '../../../diagnose/facts.ts';
import { type Evidence, found, inconclusive, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import type { CpuSample } from '../../../linux/cgroup/model.ts';
import { orElse } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { type Bandwidth, readBandwidths, strictest, usedShare } from './bandwidth.ts';
import type { definition } from './case.ts';
import { excludedBy, usageEvidence } from './evidence.ts';
import { fixesFor, sayCpus } from './fixes.ts';
import { seenEvidence } from './seen.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const { limited, refused } = readBandwidths(facts.cpu);
  const bandwidth = strictest(limited);
  if (bandwidth === undefined) {
    const [first] = refused;
    if (first !== undefined) return inconclusive(...refused);
    if (limited.length === 0) return ruledOut(noQuota(facts.cpu.own, facts.cpu.ancestors.length));
    // What was never throttled was not throttled now; after an old cut, a short silence says little.
    const tooShort = limited.find(
      ({ period, everThrottled }) => everThrottled > 0 && facts.windowMs * 1000 < 3 * period,
    );
    if (tooShort !== undefined)
      return inconclusive({
        what: `${tooShort.level.directory}/cpu.stat over at least 3 periods of ${sayTime(tooShort.period)}`,
        because: 'unreadable',
        remedy: `the window was only ${Math.round(facts.windowMs)} ms; look for longer`,
      });
    return ruledOut(...limited.map(quietEvidence));
  }

  const share = usedShare(bandwidth, facts.windowMs);
  const parallel = parallelThreads(facts, bandwidth);
  const below = !share.present || share.value < atQuota;
  return found({
    severity: severityOf(bandwidth, share.present ? share.value : undefined, facts),
    certainty: 'proved',
    summary: summaryOf(bandwidth, facts, parallel),
    evidence: [
      quotaEvidence(bandwidth),
      {
        claim: `Periods cut short, of ${bandwidth.periods}`,
        source: `${bandwidth.level.directory}/cpu.stat nr_throttled`,
        observed: `+${bandwidth.throttledPeriods}`,
      },
      {
        claim: 'Time kept from a CPU',
        source: `${bandwidth.level.directory}/cpu.stat ${bandwidth.level.version === 'v1' ? 'throttled_time (ns)' : 'throttled_usec'}`,
        observed: `+${sayTime(bandwidth.throttledTime)}`,
      },
      ...usageEvidence(bandwidth, facts.windowMs),
      ...seenEvidence(facts.traced, bandwidth),
    ],
    excluded: excludedBy(facts, bandwidth, limited),
    fixes: fixesFor(facts.container, bandwidth, parallel, below),
    trace: 'throttle',
  });
};

/** From here on it simply wants more than it may have: the quota does what it is for. */
const atQuota = 0.9;

type RuleFacts = Parameters<typeof rule>[0];

/**
 * By counts, because a window of 1 s holds ten periods of 100 ms: one cut may be chance. Being cut again and
 * again while the average leaves room is the harm this case is about.
 */
function severityOf(bandwidth: Bandwidth, share: number | undefined, facts: RuleFacts): Severity {
  const { throttledPeriods, throttledTime, periods } = bandwidth;
  if (!bandwidth.isOwn && isIdle(facts)) return 'notice';
  if (share !== undefined && share >= atQuota) return 'notice';
  // The quota ran out just before the period did: nobody waited for it.
  if (throttledTime < facts.windowMs * 10) return 'notice';
  if (throttledPeriods === 1 && periods > 4) return 'notice';
  const cutShare = throttledPeriods / Math.max(1, periods);
  if (share === undefined) return 'warning';
  return (share < 0.75 && cutShare >= 0.1) || cutShare >= 0.25 ? 'critical' : 'warning';
}

/** The throttling of others' cgroups harms only those who had something to run: here, 1 % of a CPU and more. */
function isIdle({ cpu, processes, windowMs }: RuleFacts): boolean {
  const idle = windowMs * 10;
  if (!cpu.shared) {
    const usage = growth(cpu.own, sample => sample.usage);
    return usage.present && usage.value < idle;
  }
  const members = orElse(processes, []).filter(({ status }) => status.state !== 'Z');
  const ran = members.flatMap(({ scheduler }) =>
    scheduler.present ? [scheduler.value.last.running - scheduler.value.first.running] : [],
  );
  return ran.length > 0 && ran.length === members.length && ran.reduce((sum, time) => sum + time, 0) < idle;
}

/** How many of its threads could run at the same moment. */
function parallelThreads({ cpuset, processes, host }: RuleFacts, { isOwn }: Bandwidth): number {
  const cpus = cpuset.present ? cpuset.value.own.last.cpus.length : host.cpus;
  if (!isOwn || !processes.present) return cpus;
  const threads = processes.value.reduce((sum, { status }: ProcessFacts) => sum + status.threads, 0);
  return Math.max(1, Math.min(cpus, threads));
}

function summaryOf(bandwidth: Bandwidth, { windowMs, cpu }: RuleFacts, parallel: number): string {
  const { quota, period, periods, throttledPeriods, throttledTime, isOwn, level } = bandwidth;
  const who = isOwn
    ? 'The container'
    : level === cpu.own
      ? `The cgroup ${level.path}, which the container shares with others,`
      : `The cgroup ${level.path} above the container`;
  const cut = `${throttledPeriods} of ${sayCount(periods, 'period')} ${throttledPeriods === 1 ? 'was' : 'were'} cut short`;
  const share = usedShare(bandwidth, windowMs);
  const limit = sayCpus(quota / period);
  const used = share.present
    ? `${who} used ${sayCpus((share.value * quota) / period)} CPU of its limit of ${limit}`
    : `${who} has a limit of ${limit} CPU`;
  if (share.present && share.value >= atQuota)
    return `${used}: it wants more than its quota gives, and ${cut}. The limit does what it is for; whether it is the right one is yours to decide.`;
  const arithmetic =
    parallel > 1
      ? `${parallel} threads at once use up the ${sayTime(quota)} of a period in ${sayTime((quota / parallel) as typeof quota)}`
      : `its work comes in bursts longer than the ${sayTime(quota)} that a period of ${sayTime(period)} allows`;
  return `${used}${share.present ? ' on average, yet' : ', and'} ${cut}: ${arithmetic}, and then wait for the next one: ${sayTime(throttledTime)} in this window, summed over CPUs.`;
}

const quotaEvidence = ({ level, quota, period }: Bandwidth): Evidence =>
  level.version === 'v1'
    ? {
        claim: `Quota and period (us)`,
        source: `${level.directory}/cpu.cfs_quota_us, cpu.cfs_period_us`,
        observed: `${quota}, ${period}`,
      }
    : {
        claim: `Quota and period (us)`,
        source: `${level.directory}/cpu.max`,
        observed: `${quota} ${period}`,
      };

const quietEvidence = ({ level, periods, everThrottled, quota, period }: Bandwidth): Evidence => ({
  claim:
    everThrottled === 0
      ? `Never throttled by its limit of ${sayCpus(quota / period)} CPU since it was made`
      : `Not throttled by its limit of ${sayCpus(quota / period)} CPU in ${sayCount(periods, 'period')}`,
  source: `${level.directory}/cpu.stat nr_throttled`,
  observed: everThrottled === 0 ? '0' : `+0, ${everThrottled} before`,
});

const noQuota = ({ directory, version }: Level<CpuSample>, above: number): Evidence => ({
  claim: `No CPU limit on it nor on ${above === 0 ? 'anything' : sayCount(above, 'cgroup')} above`,
  source: `${directory}/${version === 'v1' ? 'cpu.cfs_quota_us' : 'cpu.max'}`,
  observed: 'no limit',
});
