import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { type ClockTicks, clockTicks, parseCount } from '../../units.ts';

/** The columns of a cpu line. User time includes guest time, nice includes guest_nice. */
export interface CpuTimes {
  readonly user: ClockTicks;
  readonly nice: ClockTicks;
  readonly system: ClockTicks;
  readonly idle: ClockTicks;
  readonly ioWait: ClockTicks;
  readonly interrupt: ClockTicks;
  readonly softInterrupt: ClockTicks;
  /** Wanted by this guest, given to another. */
  readonly stolen: ClockTicks;
}

/** /proc/stat (proc(5)): `cpu0 1257 0 1178 139736 18 0 9 2 0 0`, `btime 1795435498`, `procs_blocked 0`. */
export interface HostStat {
  readonly total: CpuTimes;
  /** By CPU number; offline ones are missing. */
  readonly cpus: ReadonlyMap<number, CpuTimes>;
  /** Seconds since the epoch. */
  readonly bootTime: number;
  /** Forks since boot. */
  readonly forks: number;
  /** Tasks that wait for I/O (D with io_schedule). */
  readonly blocked: number;
}

function parseTimes(columns: readonly string[]): CpuTimes | undefined {
  const counts = columns.map(parseCount);
  const [user, nice, system, idle] = counts;
  if (user === undefined || nice === undefined || system === undefined || idle === undefined)
    return undefined;
  const column = (index: number): ClockTicks => clockTicks(counts[index] ?? 0);
  return {
    user: clockTicks(user),
    nice: clockTicks(nice),
    system: clockTicks(system),
    idle: clockTicks(idle),
    ioWait: column(4),
    interrupt: column(5),
    softInterrupt: column(6),
    stolen: column(7),
  };
}

export function parseHostStat(text: string): HostStat | undefined {
  let total: CpuTimes | undefined;
  const cpus = new Map<number, CpuTimes>();
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [key, ...columns] = line.trim().split(/ +/);
    if (key === undefined || key === 'intr' || key === 'softirq') continue;
    if (!key.startsWith('cpu')) {
      const count = parseCount(columns[0]);
      if (count !== undefined) counts.set(key, count);
      continue;
    }
    const times = parseTimes(columns);
    const number = parseCount(key.slice(3));
    if (key === 'cpu') total = times;
    else if (number !== undefined && times !== undefined) cpus.set(number, times);
  }
  const bootTime = counts.get('btime');
  if (total === undefined || bootTime === undefined) return undefined;
  return {
    total,
    cpus,
    bootTime,
    forks: counts.get('processes') ?? 0,
    blocked: counts.get('procs_blocked') ?? 0,
  };
}

export const readHostStat = (files: KernelFiles): Reading<HostStat> =>
  readParsed(files, '/proc/stat', parseHostStat);
