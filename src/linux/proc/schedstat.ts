import { type KernelFiles, readParsed } from '../files.ts';
import { present, type Reading } from '../reading.ts';
import { type Microseconds, microseconds, parseCount, parseNanosecondsAsMicroseconds } from '../units.ts';
import type { ProcPid } from './process.ts';

/** /proc/<pid>/schedstat (Documentation/scheduler/sched-stats.rst): time on a CPU, time waiting for one. */
export interface SchedulerTimes {
  readonly running: Microseconds;
  readonly waiting: Microseconds;
  readonly timeslices: number;
}

/** `778091 1203 17`: ns on a CPU, ns runnable but waiting for one, time slices run. */
export function parseSchedstat(text: string): SchedulerTimes | undefined {
  const [first, second, third] = text.trim().split(' ');
  const running = parseNanosecondsAsMicroseconds(first);
  const waiting = parseNanosecondsAsMicroseconds(second);
  const timeslices = parseCount(third);
  if (running === undefined || waiting === undefined || timeslices === undefined) return undefined;
  return { running, waiting, timeslices };
}

/** Of the thread group leader, whatever its other threads do. */
export const readLeaderSchedstat = (files: KernelFiles, pid: ProcPid): Reading<SchedulerTimes> =>
  readParsed(files, `/proc/${pid}/schedstat`, parseSchedstat);

/**
 * Of all threads of a process together, from /proc/<pid>/task/<tid>/schedstat. A thread that ends takes its share
 * along, so the sum may go back.
 */
export function readSchedstat(files: KernelFiles, pid: ProcPid, threads: number): Reading<SchedulerTimes> {
  if (threads === 1) return readLeaderSchedstat(files, pid);
  const directory = `/proc/${pid}/task`;
  const sum = { running: 0, waiting: 0, timeslices: 0 };
  const names = files.list(directory);
  if (!names.present) return names;
  for (const name of names.value) {
    const times = readParsed(files, `${directory}/${name}/schedstat`, parseSchedstat);
    // One that ended meanwhile is left out; without the right to look nothing can be said.
    if (!times.present && times.because !== 'vanished') return times;
    if (!times.present) continue;
    sum.running += times.value.running;
    sum.waiting += times.value.waiting;
    sum.timeslices += times.value.timeslices;
  }
  return present({
    running: microseconds(sum.running),
    waiting: microseconds(sum.waiting),
    timeslices: sum.timeslices,
  });
}
