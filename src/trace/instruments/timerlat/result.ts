import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';
import type { Whose } from '../softirq/result.ts';

export type TimerKind = 'softirq' | 'timer' | 'hrtimer' | 'tasklet';

export interface TimerlatResult extends TraceResult {
  /** Longer ones are in `functions` and `events`. */
  readonly limitUs: number;
  /** How long each took on any CPU, in µs, also the short ones. */
  readonly times: Readonly<Record<TimerKind, Histogram>>;
  /** Those beyond the limit, added up by function and whose time it was; the most first, 100 at most. */
  readonly functions: readonly (Total & {
    readonly name: string;
    readonly kind: TimerKind;
    readonly whose: Whose;
  })[];
  /** Those beyond the limit one by one, the first 2,000. */
  readonly events: readonly TimerEvent[];
}

export interface TimerEvent {
  /** Milliseconds since the instrument was attached, when it ended. */
  readonly at: number;
  readonly us: number;
  readonly kind: TimerKind;
  /** Of a softirq the vector, else the function. */
  readonly name: string;
  readonly cpu: number;
  readonly whose: Whose;
  /** Of the thread that it held up. */
  readonly pid: number;
  readonly thread: string;
}
