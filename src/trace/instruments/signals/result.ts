import type { TraceResult } from '../../instrument.ts';

/** What became of a signal: TRACE_SIGNAL_* of include/trace/events/signal.h. */
export type SignalOutcome = 'queued' | 'ignored' | 'already-pending' | 'queue-full' | 'info-lost';

export interface SignalEvent {
  /** Milliseconds since the instrument was attached. */
  readonly at: number;
  readonly signal: number;
  readonly outcome: SignalOutcome;
  /** Who made it: a process (kill and its kin), or the kernel itself (faults, a dying PID 1, the OOM killer). */
  readonly by: 'process' | 'kernel';
  /** si_code of siginfo(2). */
  readonly code: number;
  /** For the whole process, or for one thread of it. */
  readonly toProcess: boolean;
  readonly target: Party;
  readonly sender: Party;
}

export interface Party {
  /** Host pid. */
  readonly pid: number;
  /** As the container numbers it; null for a process outside. */
  readonly inside: number | null;
  readonly name: string;
}

export interface SignalsResult extends TraceResult {
  /** All signals to or from the container's processes, by what became of them. */
  readonly total: number;
  readonly byOutcome: Readonly<Partial<Record<SignalOutcome, number>>>;
  /** The same added up by sender's name, target, signal and outcome; the most first, 100 at most. */
  readonly table: readonly SignalRow[];
  /** One by one, the first 2,000. */
  readonly events: readonly SignalEvent[];
}

export interface SignalRow {
  readonly signal: number;
  readonly outcome: SignalOutcome;
  readonly target: Party;
  /** The sender's name: many processes of one program count together. */
  readonly sender: string;
  readonly count: number;
}
