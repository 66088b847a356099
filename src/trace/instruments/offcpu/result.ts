import type { WeightedStack } from '../../flamegraph/stack.ts';
import type { TraceResult } from '../../instrument.ts';

/**
 * runnable: it would run, and another has the CPU. sleeping: it waits for something that a signal can end. blocked: it
 * waits for something that nothing ends early, mostly a disk (state D).
 */
export type WaitState = 'runnable' | 'sleeping' | 'blocked' | 'other';

export interface OffcpuResult extends TraceResult {
  /** Of all threads, added up, by what they waited for; in µs. */
  readonly us: Readonly<Record<WaitState, number>>;
  /** Weights in µs; the outermost frame is the name of the process, the innermost the kind of wait. 20,000 at most. */
  readonly stacks: readonly WeightedStack[];
}
