import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export interface RunqResult extends TraceResult {
  /** Each time a thread of the container got a CPU: how long it had waited for it, in µs. */
  readonly waits: Histogram;
  readonly count: number;
  /** All waits together: what /proc/<pid>/schedstat adds up as run_delay. */
  readonly waitedUs: number;
  readonly longestUs: number;
  /** Of it what the CPU slept: time to wake it up, nobody's fault. */
  readonly idleUs: number;
  /** Of it what threads of the container itself held the CPU. */
  readonly ownUs: number;
  /** Of it what others held the CPU. Waits below 20 µs and turns too long ago are in none of the three. */
  readonly othersUs: number;
  /** Who held the CPU meanwhile, the most first, 50 at most. */
  readonly takers: readonly Taker[];
}

export interface Taker extends Total {
  /** Host pid. */
  readonly pid: number;
  readonly name: string;
  /** In the hierarchy of the CPU controller; null when it was gone before it could be asked. */
  readonly cgroup: string | null;
  /** It is the container's own. */
  readonly own: boolean;
}
