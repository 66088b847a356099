import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayTime, shellWord } from '../../../diagnose/wording.ts';
import type { Microseconds } from '../../../linux/units.ts';
import { type Bandwidth, enoughQuota } from './bandwidth.ts';

/** More quota, burst where the kernel has it and the average leaves room, fewer threads. */
export function fixesFor(
  container: CommonFacts['container'],
  bandwidth: Bandwidth,
  parallel: number,
  belowAverage: boolean,
): readonly Fix[] {
  const quota = enoughQuota(bandwidth, parallel);
  const cpus = `${sayCpus(quota / bandwidth.period)} CPU${quota === bandwidth.period ? '' : 's'}`;
  const burst = belowAverage ? burstFix(bandwidth) : [];
  return [
    {
      action: `Raise the limit of ${whose(bandwidth)} to ${cpus}${container.pod === null ? '' : ' (resources.limits.cpu in the pod spec)'}`,
      ...quotaCommand(container, bandwidth, quota),
      effect: `${sayTime(quota)} in each period of ${sayTime(bandwidth.period)}, not ${sayTime(bandwidth.quota)}`,
      risk: `It may take ${cpus} of this host all the time; look again, for longer bursts need more`,
    },
    ...burst,
    {
      action: 'Run fewer threads at once: GOMAXPROCS, -XX:ActiveProcessorCount, worker counts',
      effect: 'The work spreads over the period and does not use up the quota at its start',
      risk: 'It takes longer on an idle machine',
    },
  ];
}

export const sayCpus = (cpus: number): string => String(Number(cpus.toFixed(2)));

const whose = ({ isOwn, level }: Bandwidth): string =>
  isOwn ? 'this container' : `the cgroup ${level.path}`;

function quotaCommand(
  container: CommonFacts['container'],
  { level, isOwn, period }: Bandwidth,
  quota: Microseconds,
): { command?: string } {
  if (container.pod !== null) return {};
  if (isOwn && (container.engine === 'docker' || container.engine === 'podman'))
    return {
      command: updateCommand(container, quota, period),
    };
  return {
    command:
      level.version === 'v1'
        ? `echo ${quota} > ${shellWord(`${level.directory}/cpu.cfs_quota_us`)}`
        : `echo ${quota} ${period} > ${shellWord(`${level.directory}/cpu.max`)}`,
  };
}

/** Docker takes --cpus only for what was made with it, and --cpu-quota only for what was not. */
function updateCommand(
  { engine, id }: CommonFacts['container'],
  quota: Microseconds,
  period: Microseconds,
): string {
  const update = (option: string): string => `${engine} update ${option} ${shellWord(id.slice(0, 12))}`;
  const byCpus = update(`--cpus ${sayCpus(quota / period)}`);
  return engine === 'docker' ? `${byCpus} || ${update(`--cpu-quota ${quota}`)}` : byCpus;
}

/** The burst may not exceed the quota (kernel/sched/core.c, tg_set_cfs_bandwidth). */
function burstFix({ burst, quota, level }: Bandwidth): readonly Fix[] {
  if (!burst.present || burst.value >= quota) return [];
  const file = level.version === 'v1' ? 'cpu.cfs_burst_us' : 'cpu.max.burst';
  return [
    {
      action: `Save unused quota for a burst: ${file} = ${quota}`,
      command: `echo ${quota} > ${shellWord(`${level.directory}/${file}`)}`,
      effect: `Keeps the average limit; one period may use up to ${sayTime((quota * 2) as Microseconds)}`,
      risk: 'Others see short peaks; the engine forgets it at a restart',
    },
  ];
}
