import type { Reading } from '../reading.ts';
import type { Bytes, ClockTicks, HostPid, Microseconds, NsPid } from '../units.ts';

/** Signal sets as numbers of signals, ascending: [15] is SIGTERM. From the hex masks of /proc/<pid>/status. */
export interface SignalSets {
  readonly pending: readonly number[];
  readonly sharedPending: readonly number[];
  readonly blocked: readonly number[];
  readonly ignored: readonly number[];
  readonly caught: readonly number[];
}

/** The four ids of the Uid: and Gid: lines. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly filesystem: number;
}

/** Capability numbers, ascending, of linux/capability.h: [12] is CAP_NET_ADMIN. */
export interface CapabilitySets {
  readonly inheritable: readonly number[];
  readonly permitted: readonly number[];
  readonly effective: readonly number[];
  readonly bounding: readonly number[];
  readonly ambient: readonly number[];
}

/**
 * /proc/<pid>/status (Documentation/filesystems/proc.rst). Lines of newer kernels that are not listed here are
 * ignored; lines that older kernels lack are absent Readings.
 */
export interface ProcessStatus {
  /** `Name:` unescaped: proc writes \n and \\ as escapes. At most 15 bytes, chosen by the process. */
  readonly name: string;
  /** One letter: R S D Z T t X I. */
  readonly state: string;
  readonly pid: HostPid;
  readonly parent: HostPid;
  /** `NSpid:` from the reader's pid namespace to the innermost; the last is the process's own view. */
  readonly namespacePids: readonly NsPid[];
  readonly threads: number;
  readonly uid: Ids;
  readonly gid: Ids;
  readonly signals: SignalSets;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: Reading<number>;
  /** Kernel threads and zombies have no memory: absent. */
  readonly memory: Reading<{
    readonly resident: Bytes;
    readonly residentAnonymous: Bytes;
    readonly residentFile: Bytes;
    readonly residentShared: Bytes;
    readonly swapped: Bytes;
  }>;
}

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

/** /proc/<pid>/schedstat (Documentation/scheduler/sched-stats.rst): time on a CPU, time waiting for one. */
export interface SchedulerTimes {
  readonly running: Microseconds;
  readonly waiting: Microseconds;
  readonly timeslices: number;
}
