import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type ClockTicks, clockTicks, type HostPid, hostPid, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** /proc/<pid>/stat, the fields that `status` lacks. `comm` may hold spaces and parentheses: split at the last `)`. */
export interface ProcessStat {
  readonly pid: HostPid;
  readonly name: string;
  readonly state: string;
  readonly parent: HostPid;
  readonly processGroup: number;
  readonly session: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly userTime: ClockTicks;
  readonly systemTime: ClockTicks;
  readonly threads: number;
  /** Since boot. With the pid it identifies a process: pids are used again. */
  readonly startTime: ClockTicks;
}

/** `4711 (a) b) S 1 4711 4711 0 -1 4194304 102 …`, fields numbered as in proc(5): state is 3, starttime 22. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text
    .slice(close + 1)
    .trim()
    .split(' ');
  const field = (number: number): number | undefined => parseCount(fields[number - 3]);
  const pid = parseCount(text.slice(0, open).trim());
  const state = fields[0];
  const parent = field(4);
  const minorFaults = field(10);
  const majorFaults = field(12);
  const userTime = field(14);
  const systemTime = field(15);
  const threads = field(20);
  const startTime = field(22);
  if (pid === undefined || state === undefined || parent === undefined || minorFaults === undefined)
    return undefined;
  // The last field of a text that was cut off may be cut too.
  if (field(23) === undefined) return undefined;
  if (majorFaults === undefined || userTime === undefined || systemTime === undefined) return undefined;
  if (threads === undefined || startTime === undefined) return undefined;
  return {
    pid: hostPid(pid),
    name: text.slice(open + 1, close),
    state,
    parent: hostPid(parent),
    // -1 for a process that is being taken down.
    processGroup: field(5) ?? -1,
    session: field(6) ?? -1,
    minorFaults,
    majorFaults,
    userTime: clockTicks(userTime),
    systemTime: clockTicks(systemTime),
    threads,
    startTime: clockTicks(startTime),
  };
}

export const readStat = (files: KernelFiles, pid: ProcPid): Reading<ProcessStat> =>
  readParsed(files, `/proc/${pid}/stat`, parseStat, 'one-record');

/** The same of one thread; times, faults and the start are the thread's own. */
export const readThreadStat = (files: KernelFiles, pid: ProcPid, thread: HostPid): Reading<ProcessStat> =>
  readParsed(files, `/proc/${pid}/task/${thread}/stat`, parseStat, 'one-record');
