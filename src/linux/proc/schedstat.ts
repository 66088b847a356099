import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Microseconds, parseCount, parseNanosecondsAsMicroseconds } from '../units.ts';
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

/** Of the thread group leader only; `readThreadSchedstat` has one thread. */
export const readSchedstat = (files: KernelFiles, pid: ProcPid): Reading<SchedulerTimes> =>
  readParsed(files, `/proc/${pid}/schedstat`, parseSchedstat);

export const readThreadSchedstat = (
  files: KernelFiles,
  pid: ProcPid,
  thread: ProcPid,
): Reading<SchedulerTimes> => readParsed(files, `/proc/${pid}/task/${thread}/schedstat`, parseSchedstat);
