import type { CgroupPath } from '../../../linux/units.ts';
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
  /** Whose pages the requests on each device moved, the container's own among them; the most bytes first, 100 at most. */
  readonly owners?: readonly BlockOwner[];
}

/** Bytes by the memory cgroup that they are charged to: writeback keeps that, also on cgroup v1. */
export interface BlockOwner extends Total {
  /** `254:0`. */
  readonly number: string;
  readonly operation: BlockOperation;
  /** Of the memory controller; null: the kernel's own (a journal, metadata), or gone by now. */
  readonly cgroup: CgroupPath | null;
  /** The container's. */
  readonly own: boolean;
  readonly bytes: number;
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
