import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import type { TraceResult } from '../../instrument.ts';

export interface OomResult extends TraceResult {
  readonly kills: readonly OomKill[];
}

export interface OomKill {
  /** Milliseconds since the instrument was attached. */
  readonly at: number;
  readonly victim: OomParty;
  /** Who asked for the page that could not be had. */
  readonly asker: OomParty;
  /**
   * Whether the victim is the container's: false when the container asked and another died for it, null where the
   * kernel does not tell (before 6.8).
   */
  readonly own: boolean | null;
  /** What the kernel log says of it: limit, usage, candidates; null where it cannot be read or is gone. */
  readonly report: OomReport | null;
}

export interface OomParty {
  /** Host pid. */
  readonly pid: number;
  /** As the container numbers it; null for a process outside, and for one that ended before ftrace's text was read. */
  readonly inside: number | null;
  /** Empty where the kernel does not tell (before 6.8). */
  readonly name: string;
}
