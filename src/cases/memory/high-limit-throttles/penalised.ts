import type { MemoryStalls } from '../../../diagnose/memory-stalls.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayShare } from '../../../diagnose/wording.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** The kernel function that a task sleeps in, as /proc/<pid>/wchan names it; with `__` in front since 6.10. */
const penalty = /^(__)?mem_cgroup_handle_over_high$/;
/** Fewer looks say nothing about a share of the time. */
const enoughLooks = 8;

interface Penalised {
  readonly process: ProcessFacts;
  readonly times: number;
  readonly looks: number;
}

/** Most often first. */
function penalisedIn(processes: Reading<readonly ProcessFacts[]>): readonly Penalised[] {
  if (!processes.present) return [];
  return processes.value
    .flatMap(process => {
      const { looks = 0, channels = {} } = process.sleeps ?? {};
      const times = Object.entries(channels).reduce(
        (sum, [name, count]) => (penalty.test(name) ? sum + count : sum),
        0,
      );
      return times === 0 ? [] : [{ process, times, looks }];
    })
    .sort((a, b) => b.times - a.times);
}

/** Processes that were seen asleep because of memory.high. */
export const penalised = (processes: Reading<readonly ProcessFacts[]>): readonly Evidence[] =>
  penalisedIn(processes).map(({ process, times, looks }) => ({
    claim: `${sayProgram(process).slice(0, 36)} slept for it in ${times} of ${looks} looks`,
    source: `/proc/${process.pid}/wchan`,
    observed: 'mem_cgroup_handle_over_high',
  }));

/** Where there is no PSI for the container: how long the process stood still that did so most. */
export function stallsByPenalty(processes: Reading<readonly ProcessFacts[]>): MemoryStalls | undefined {
  const [most] = penalisedIn(processes).filter(({ looks }) => looks >= enoughLooks);
  if (most === undefined) return undefined;
  const share = Math.min(1, most.times / most.looks);
  return {
    share,
    evidence: {
      claim: `A task slept for it ${sayShare(share)} of the time`,
      source: `/proc/${most.process.pid}/wchan, looked at ${most.looks} times`,
      observed: `mem_cgroup_handle_over_high ${most.times}`,
    },
  };
}
