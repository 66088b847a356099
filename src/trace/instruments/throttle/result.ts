import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export interface ThrottleResult extends TraceResult {
  /** How long a thread was stopped each time, until it ran again, in µs. */
  readonly times: Histogram;
  /** The cgroups whose quota it was: the container's, or one above it. The most first. */
  readonly levels: readonly ThrottledLevel[];
  /** The threads that were stopped, the most first; 50 at most. */
  readonly threads: readonly ThrottledThread[];
}

/** `us`: of threads that were stopped there and ran again, added up. */
export interface ThrottledLevel extends Total {
  /** In the hierarchy of the CPU controller; null when it could not be found out. */
  readonly cgroup: string | null;
  /** Different periods in which a thread was stopped: what cpu.stat counts as nr_throttled. */
  readonly periods: number;
}

export interface ThrottledThread extends Total {
  /** Host pids. */
  readonly process: number;
  readonly thread: number;
  readonly name: string;
}
