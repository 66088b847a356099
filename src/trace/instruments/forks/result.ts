import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';

export interface ForksResult extends TraceResult {
  readonly processes: number;
  readonly threads: number;
  /** Processes that ended, and how long they had lived, in microseconds. */
  readonly exits: number;
  readonly ages: Histogram;
  /** Processes and threads made in each second of the run, the first 600. */
  readonly perSecond: readonly number[];
  /** The most in one second. */
  readonly peak: number;
  /** By maker, the most first; 100 at most. */
  readonly makers: readonly ForkMaker[];
}

export interface ForkMaker {
  /** Host pid, and as the container numbers it. */
  readonly pid: number;
  readonly inside: number;
  readonly program: string;
  readonly processes: number;
  readonly threads: number;
}
