import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';

export interface FunctionsResult extends TraceResult {
  /** Calls of kernel functions that took at least `--longer`, their callees included. */
  readonly total: number;
  /** By function, the most time first; 200 at most. */
  readonly functions: readonly FunctionRow[];
  /** One by one, the first 2,000. */
  readonly slow: readonly SlowFunction[];
}

export interface FunctionRow {
  readonly function: string;
  readonly count: number;
  readonly us: number;
  readonly longestUs: number;
  /** Microseconds. */
  readonly times: Histogram;
}

export interface SlowFunction {
  readonly function: string;
  readonly us: number;
  readonly program: string;
  /** Thread, as the host numbers it. */
  readonly thread: number;
}
