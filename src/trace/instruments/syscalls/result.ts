import type { TraceResult } from '../../instrument.ts';

export interface SyscallsResult extends TraceResult {
  readonly total: number;
  /** Of them, with an error. */
  readonly failed: number;
  /** By call, error and program, the most time first; 500 at most. */
  readonly calls: readonly SyscallRow[];
  /** One by one, those that took at least `--longer`: the first 2,000. */
  readonly slow: readonly SlowSyscall[];
}

export interface SyscallRow {
  readonly call: string;
  /** `ENOENT`; null for success. */
  readonly error: string | null;
  readonly program: string;
  /** Of the first process that made it: host pid, and as the container numbers it. */
  readonly pid: number;
  readonly inside: number;
  readonly count: number;
  /** Microseconds of all of them, waiting included, and of the longest. */
  readonly us: number;
  readonly longestUs: number;
}

export interface SlowSyscall {
  /** Milliseconds since the instrument was attached, when it began. */
  readonly at: number;
  readonly call: string;
  /** Hexadecimal: what they mean depends on the call. */
  readonly arguments: readonly string[];
  readonly result: number;
  readonly error: string | null;
  readonly us: number;
  readonly program: string;
  readonly pid: number;
  readonly inside: number;
}
