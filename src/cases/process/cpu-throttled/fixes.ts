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
      effect: `${sayTime(quota)} of CPU time in each period of ${sayTime(bandwidth.period)} instead of ${sayTime(bandwidth.quota)}`,
      risk: `It may take up to ${cpus} of this host, all the time; look again, because longer bursts need more still`,
    },
    ...burst,
    {
      action:
        'Let fewer threads run at once (GOMAXPROCS, -XX:ActiveProcessorCount, UV_THREADPOOL_SIZE, worker counts)',
      effect: 'The same work spreads over the period instead of using the quota up at its beginning',
      risk: 'Work that could run in parallel takes longer on an idle machine',
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
      command: `${container.engine} update --cpus ${sayCpus(quota / period)} ${shellWord(container.id.slice(0, 12))}`,
    };
  return {
    command:
      level.version === 'v1'
        ? `echo ${quota} > ${shellWord(`${level.directory}/cpu.cfs_quota_us`)}`
        : `echo ${quota} ${period} > ${shellWord(`${level.directory}/cpu.max`)}`,
  };
}

/** The burst may not exceed the quota (kernel/sched/core.c, tg_set_cfs_bandwidth). */
function burstFix({ burst, quota, level }: Bandwidth): readonly Fix[] {
  if (!burst.present || burst.value >= quota) return [];
  const file = level.version === 'v1' ? 'cpu.cfs_burst_us' : 'cpu.max.burst';
  return [
    {
      action: `Let unused quota be saved up for a burst: ${file} = ${quota}`,
      command: `echo ${quota} > ${shellWord(`${level.directory}/${file}`)}`,
      effect: `Keeps the average limit; one period may use up to ${sayTime((quota * 2) as Microseconds)}`,
      risk: 'Other containers see short peaks above the limit; the engine forgets the value at a restart',
    },
  ];
}
