import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export interface ReclaimResult extends TraceResult {
  /** For a memory cgroup at its limit: the container's own, or one above it. */
  readonly cgroup: ReclaimSums;
  /** Because the whole machine was short of memory. */
  readonly machine: ReclaimSums;
  /** Who waited, the most first; 50 at most. */
  readonly waiters: readonly ReclaimWaiter[];
}

export interface ReclaimSums {
  /** How long each took, in µs. */
  readonly times: Histogram;
  readonly count: number;
  readonly us: number;
  readonly longestUs: number;
  /** Pages that were freed. */
  readonly pages: number;
  /** Reclaims that freed nothing. */
  readonly failed: number;
}

export interface ReclaimWaiter extends Total {
  /** Host pid of the process. */
  readonly pid: number;
  /** Of the thread that waited. */
  readonly name: string;
  readonly for: 'cgroup' | 'machine';
  readonly pages: number;
}
