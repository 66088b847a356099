import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';

export interface FunctionsResult extends TraceResult {
  readonly limitUs: number;
  /** How many functions were looked at. */
  readonly watched: number;
  /** Of the functions that were named: those that could not be, and why. */
  readonly leftOut: readonly { readonly function: string; readonly because: string }[];
  /** Calls that took at least `--longer`, with everything that they called. */
  readonly total: number;
  /** By function, the most time first; 200 at most. */
  readonly functions: readonly FunctionRow[];
  /** Who called whom among them, callers before what they called; 500 rows at most. Empty by ftrace. */
  readonly tree: readonly CallRow[];
  /** The longest calls that spent their time in none of the others, 200 at most; by ftrace the first 2,000 of all. */
  readonly slow: readonly SlowFunction[];
  /** Calls that had gone on for as long when it ended. */
  readonly goingOn: readonly { readonly function: string; readonly us: number; readonly thread: number }[];
}

/** Whether the function ran for a thread of the container, or in an interrupt that borrowed the thread's time. */
export type Context = 'task' | 'softirq' | 'hardirq';

interface Calls {
  readonly function: string;
  readonly context: Context;
  readonly count: number;
  /** Of those, calls that took long. */
  readonly slow: number;
  readonly us: number;
  /** Without what it spent in others of the functions; null by ftrace. */
  readonly selfUs: number | null;
  readonly longestUs: number;
}

export interface FunctionRow extends Calls {
  /** Microseconds. */
  readonly times: Histogram;
}

export interface CallRow extends Calls {
  /** 0 has no caller among the functions. */
  readonly depth: number;
}

export interface SlowFunction {
  readonly function: string;
  readonly context: Context;
  readonly us: number;
  readonly program: string;
  /** Thread, as the host numbers it. */
  readonly thread: number;
  /** Functions that called it, the innermost first. Empty by ftrace. */
  readonly callers: readonly string[];
}
