import type { WeightedStack } from '../../flamegraph/stack.ts';
import type { FunctionShare } from '../../flamegraph/tree.ts';
import type { TraceResult } from '../../instrument.ts';

export interface ProfileResult extends TraceResult {
  /** What ticked: `cpu-clock`, or an event of a recording. */
  readonly event: string;
  /** Ticks a second on each CPU; null of a recording, which does not say. */
  readonly hertz: number | null;
  /** Ticks that met a thread of the container. */
  readonly samples: number;
  /** Of which in the kernel. */
  readonly inKernel: number;
  /** `samples / hertz`: the CPU time that the container used, as far as ticks can tell. */
  readonly cpuSeconds: number | null;
  /** The most first. */
  readonly processes: readonly { readonly name: string; readonly samples: number }[];
  /** By the samples that they took themselves, the most first; 200 at most. */
  readonly functions: readonly FunctionShare[];
  /** Outermost frame first: the name of the process. Equal ones once, the heaviest first; 20,000 at most. */
  readonly stacks: readonly WeightedStack[];
}
