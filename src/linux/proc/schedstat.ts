import { type KernelFiles, readParsed } from '../files.ts';
import { mapReading, present, type Reading } from '../reading.ts';
import {
  type HostPid,
  hostPid,
  type Microseconds,
  microseconds,
  parseCount,
  parseNanosecondsAsMicroseconds,
} from '../units.ts';
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

export const leaderSchedstatPath = (pid: ProcPid): string => `/proc/${pid}/schedstat`;

/** Of the thread group leader, whatever its other threads do. */
export const readLeaderSchedstat = (files: KernelFiles, pid: ProcPid): Reading<SchedulerTimes> =>
  readParsed(files, leaderSchedstatPath(pid), parseSchedstat, 'one-record');

/** Of each thread of a process by its id, from /proc/<pid>/task/<tid>/schedstat. One that ends meanwhile is left out. */
export function readThreadSchedstats(
  files: KernelFiles,
  pid: HostPid,
  threads: number,
): Reading<ReadonlyMap<HostPid, SchedulerTimes>> {
  if (threads === 1) return mapReading(readLeaderSchedstat(files, pid), times => new Map([[pid, times]]));
  const directory = `/proc/${pid}/task`;
  const names = files.list(directory);
  if (!names.present) return names;
  const all = new Map<HostPid, SchedulerTimes>();
  for (const name of names.value) {
    const times = readParsed(files, `${directory}/${name}/schedstat`, parseSchedstat, 'one-record');
    // Without the right to look nothing can be said.
    if (!times.present && times.because !== 'vanished') return times;
    if (times.present) all.set(hostPid(Number(name)), times.value);
  }
  return present(all);
}

/** Of several threads together. A thread that ends takes its share along, so the sum may go back. */
export function sumSchedulerTimes(threads: Iterable<SchedulerTimes>): SchedulerTimes {
  const sum = { running: 0, waiting: 0, timeslices: 0 };
  for (const times of threads) {
    sum.running += times.running;
    sum.waiting += times.waiting;
    sum.timeslices += times.timeslices;
  }
  return {
    running: microseconds(sum.running),
    waiting: microseconds(sum.waiting),
    timeslices: sum.timeslices,
  };
}
