import type { Reading } from '../../../linux/reading.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import { addTotals, addUp, mostTime, noTotal, type Total } from '../../total.ts';
import { mostWaiters } from './decode.ts';
import type { ReclaimResult, ReclaimSums } from './result.ts';

const kinds = {
  mm_vmscan_memcg_reclaim_end: 'cgroup',
  mm_vmscan_direct_reclaim_end: 'machine',
} as const;

/** `nr_reclaimed=62`, in the task that waited. */
export function runReclaimByFtrace(
  run: TraceRun<ReclaimResult>,
  events: readonly string[],
): Promise<Reading<ReclaimResult>> {
  const begun = new Map<number, number>();
  const sums = { cgroup: createSums(), machine: createSums() };
  const waiters = addUp<{
    readonly pid: number;
    readonly name: string;
    readonly for: 'cgroup' | 'machine';
  }>();
  return runEvents(run, {
    events,
    ownTasksOnly: true,
    line: ({ event, task, text, time }, _, members) => {
      if (!members.has(task.thread)) return;
      const kind = kinds[event as keyof typeof kinds] as 'cgroup' | 'machine' | undefined;
      if (kind === undefined) {
        begun.set(task.thread, time);
        return;
      }
      const begin = begun.get(task.thread);
      const pages = Number(/^nr_reclaimed=(\d+)/.exec(text)?.[1]);
      begun.delete(task.thread);
      if (begin === undefined || !Number.isFinite(pages)) return;
      sums[kind].add(time - begin, pages);
      const waiter = { pid: members.processOf(task.thread), name: task.name, for: kind };
      waiters.add(waiter, time - begin, pages);
    },
    result: base => ({
      ...base,
      lost: base.lost + waiters.lost(),
      cgroup: sums.cgroup.result(),
      machine: sums.machine.result(),
      waiters: mostTime(
        waiters.all().map(({ amount, ...waiter }) => ({ ...waiter, pages: amount })),
        mostWaiters,
      ),
    }),
  });
}

function createSums(): { add: (us: number, pages: number) => void; result: () => ReclaimSums } {
  const times = countByPower('us');
  let total: Total = noTotal;
  let pages = 0;
  let failed = 0;
  return {
    add: (us, freed) => {
      times.add(us);
      total = addTotals(total, { us, count: 1, longestUs: us });
      pages += freed;
      if (freed === 0) failed += 1;
    },
    result: () => ({ times: times.histogram(), ...total, pages, failed }),
  };
}
