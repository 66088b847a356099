import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { WaitGroup } from './waits.ts';

/** USER_HZ, in which /proc/<pid>/stat counts, is 100 on every architecture that containers run on. */
const ticksPerSecond = 100;
/** Time constant of the first of the three averages. */
const oneMinute = 60;

/**
 * How much of the load average of one minute these tasks can account for: a task that is in D for t seconds adds
 * 1 − e^(−t/60) (kernel/sched/loadavg.c), and none has been there for longer than its process exists.
 */
export function highestLoad(
  groups: readonly WaitGroup[],
  { observedAt, host }: Pick<CommonFacts, 'observedAt' | 'host'>,
): number {
  const uptime = (Date.parse(observedAt) - Date.parse(host.bootedAt)) / 1000;
  let load = 0;
  for (const { tasks } of groups)
    for (const { process } of tasks) {
      const age = Math.max(0, uptime - process.startTime / ticksPerSecond);
      load += 1 - Math.exp(-age / oneMinute);
    }
  return load;
}
