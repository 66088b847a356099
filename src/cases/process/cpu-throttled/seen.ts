import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import type { Reading } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';
import type { Traced } from '../../../trace/results.ts';
import type { Bandwidth } from './bandwidth.ts';

/** Which threads this quota stopped, where `glassbox trace throttle` looked. */
export function seenEvidence(traced: Reading<Traced>, { level }: Bandwidth): readonly Evidence[] {
  const result = tracedBy(traced, 'throttle');
  if (!result.present) return [];
  const stopped = result.value.levels.find(({ cgroup }) => cgroup === level.path);
  const [most] = result.value.threads;
  if (stopped === undefined || most === undefined) return [];
  return [
    {
      claim: 'Seen: threads that this quota stopped',
      source: 'tracepoint sched:sched_switch, by glassbox trace throttle',
      observed: `${sayCount(stopped.count, 'stop')} in ${sayCount(stopped.periods, 'period')}, ${sayTime(microseconds(stopped.us))}; most: ${most.name} (thread ${most.thread}), ${sayTime(microseconds(most.us))}`,
    },
  ];
}
