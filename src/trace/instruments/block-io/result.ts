import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Total } from '../../total.ts';

export type BlockOperation = 'read' | 'write' | 'flush' | 'discard' | 'other';

export interface BlockIoResult extends TraceResult {
  /** Whether requests are also found by the cgroup they are charged to; else only those that its own threads send. */
  readonly byCgroup: boolean;
  /** The most time first. */
  readonly streams: readonly BlockStream[];
  /** The threads that sent them to the device: of writeback that is a thread of the kernel. 50 at most. */
  readonly senders: readonly BlockSender[];
}

/** One direction of one device; `us` from when a request goes to the device until it is done. */
export interface BlockStream extends Total {
  /** `vda`. */
  readonly device: string;
  /** `254:0`. */
  readonly number: string;
  readonly operation: BlockOperation;
  readonly bytes: number;
  readonly errors: number;
  readonly times: Histogram;
  readonly sizes: Histogram;
}

export interface BlockSender extends Total {
  /** Host pid. */
  readonly pid: number;
  readonly name: string;
  readonly operation: BlockOperation;
  readonly bytes: number;
}
