import { sayProgram } from '../../../diagnose/program.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** Processes that were seen asleep with reclaim for a memory cgroup on their kernel stack, the most often first. */
export function sleepersIn(processes: Reading<readonly ProcessFacts[]>): readonly Evidence[] {
  if (!processes.present) return [];
  return processes.value
    .flatMap(process => {
      const { sleeps } = process;
      return sleeps?.reclaiming === undefined ? [] : [{ process, sleeps, times: sleeps.reclaiming }];
    })
    .sort((a, b) => b.times - a.times)
    .map(({ process, sleeps, times }) => ({
      claim: `${sayProgram(process).slice(0, 36)} slept in reclaim in ${times} of ${sleeps.looks} looks`,
      source: `/proc/${process.pid}/stack try_to_free_mem_cgroup_pages`,
      observed: Object.entries(sleeps.channels)
        .map(([channel, count]) => `${channel} ${count}`)
        .join(', '),
    }));
}
