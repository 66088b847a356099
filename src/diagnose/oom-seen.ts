import type { OomReport } from '../linux/kmsg/oom-report.ts';
import type { Reading } from '../linux/reading.ts';
import type { Traced } from '../trace/results.ts';
import { tracedBy } from './traced.ts';

/**
 * Whether a trace saw a report's victim in the container itself: the log and the counter name a cgroup, in which there may be
 * others.
 */
export function isOwnVictim(traced: Reading<Traced>, { victims }: OomReport): boolean {
  const trace = tracedBy(traced, 'oom');
  return (
    trace.present &&
    trace.value.kills.some(({ own, victim }) => own === true && victims.some(({ pid }) => pid === victim.pid))
  );
}
