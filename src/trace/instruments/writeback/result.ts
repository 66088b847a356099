import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export interface WritebackResult extends TraceResult {
  /** How long writers were made to pause each time, in µs; the kernel counts in milliseconds. */
  readonly pauses: Histogram;
  readonly pauseUs: number;
  /** Calls of balance_dirty_pages(), also those that did not pause. */
  readonly calls: number;
  /** Of the last call, in pages of 4 KiB (or what the machine has): dirty cache that counted, and the machine's limit. */
  readonly last: { readonly dirtyPages: number; readonly limitPages: number } | null;
  /** The most first, 50 at most. */
  readonly writers: readonly PausedWriter[];
}

export interface PausedWriter extends Total {
  /** Host pid. */
  readonly pid: number;
  readonly name: string;
  /** `254:0`: the device whose backlog it was. */
  readonly device: string;
  /** Pages that it had made dirty before it paused. */
  readonly pages: number;
}
