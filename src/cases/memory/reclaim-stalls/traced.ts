import type { MemoryStalls } from '../../../diagnose/memory-stalls.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayTime } from '../../../diagnose/wording.ts';
import { microseconds } from '../../../linux/units.ts';
import type { ReclaimStallsFacts } from './case.ts';

/** What the instrument `reclaim` saw of waits for a memory cgroup. */
export interface SeenReclaim extends MemoryStalls {
  readonly count: number;
  readonly waiters: readonly Evidence[];
}

/** Undefined without `diagnose --deep`. The times of several tasks are added up, so the share is at most one task's whole time. */
export function seenReclaim({ traced }: ReclaimStallsFacts): SeenReclaim | undefined {
  const result = tracedBy(traced, 'reclaim');
  if (!result.present) return undefined;
  const { cgroup, waiters, seconds } = result.value;
  const source = 'vmscan:mm_vmscan_memcg_reclaim_begin, _end';
  return {
    count: cgroup.count,
    share: Math.min(1, cgroup.us / Math.max(1, seconds * 1_000_000)),
    evidence: {
      claim: `Its tasks made room ${cgroup.count} times, ${sayTime(microseconds(cgroup.us))} in all`,
      source,
      observed: `longest ${sayTime(microseconds(cgroup.longestUs))}; ${cgroup.pages} pages freed, ${cgroup.failed} times none`,
    },
    waiters: waiters
      .filter(waiter => waiter.for === 'cgroup')
      .slice(0, 3)
      .map(({ name, pid, count, us, longestUs }) => ({
        claim: `${name} waited ${sayTime(microseconds(us))} for room`,
        source,
        observed: `pid ${pid}: ${count} times, longest ${sayTime(microseconds(longestUs))}`,
      })),
  };
}
