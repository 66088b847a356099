import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export const softirqVectors = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
] as const;
/** As /proc/softirqs names them; the numbers of include/linux/interrupt.h. */
export type SoftirqVector = (typeof softirqVectors)[number];

/**
 * Whose time a softirq takes: of the thread that it interrupted, of a ksoftirqd of its own, or of nobody, where the CPU
 * was idle. The kernel charges the first kind to the thread, so the container pays for packets of others.
 */
export type Whose = 'container' | 'others' | 'ksoftirqd' | 'idle';

export interface SoftirqResult extends TraceResult {
  /** On all CPUs of the machine, the most time first. */
  readonly vectors: readonly SoftirqSum[];
  /** How long one took, in µs, by vector; those that ran. */
  readonly times: Readonly<Partial<Record<SoftirqVector, Histogram>>>;
  /** Functions that the kernel names: timers, tasklets, polls of network devices. The most time first; 100 at most. */
  readonly functions: readonly SoftirqFunction[];
  /** CPU time that softirqs took from the container's threads. */
  readonly takenUs: number;
}

export interface SoftirqSum extends Total {
  readonly vector: SoftirqVector;
  readonly cpu: number;
  readonly whose: Whose;
}

export interface SoftirqFunction extends Total {
  /** `process_backlog`, `estimation_timer`; `[kernel]` where symbols cannot be read. */
  readonly name: string;
  readonly kind: 'timer' | 'tasklet' | 'poll';
  readonly whose: Whose;
  /** Packets that a poll took; 0 for others. */
  readonly packets: number;
}
