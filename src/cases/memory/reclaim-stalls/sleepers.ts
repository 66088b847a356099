import type { MemoryStalls } from '../../../diagnose/memory-stalls.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayShare } from '../../../diagnose/wording.ts';
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

/** Fewer say nothing about a share of the time. */
const enoughLooks = 8;

/** How long the process stood still that did so most, by the looks at it; undefined when none did. */
export function stallsByLooks(processes: Reading<readonly ProcessFacts[]>): MemoryStalls | undefined {
  if (!processes.present) return undefined;
  const [most] = processes.value
    .flatMap(({ pid, sleeps }) =>
      sleeps?.reclaiming === undefined || sleeps.looks < enoughLooks
        ? []
        : [{ pid, times: sleeps.reclaiming, looks: sleeps.looks }],
    )
    .sort((a, b) => b.times / b.looks - a.times / a.looks);
  if (most === undefined) return undefined;
  const share = most.times / most.looks;
  return {
    share,
    evidence: {
      claim: `A task stood still in reclaim ${sayShare(share)} of the time`,
      source: `/proc/${most.pid}/stack, looked at ${most.looks} times`,
      observed: `${most.times} of ${most.looks}`,
    },
  };
}
