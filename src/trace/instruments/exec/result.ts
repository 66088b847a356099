import type { TraceResult } from '../../instrument.ts';

export interface ExecEvent {
  /** Milliseconds since the instrument was attached. */
  readonly at: number;
  /** Host pid, and as the container numbers it. */
  readonly pid: number;
  readonly inside: number | null;
  /** Null, as the user, where ftrace looks and the program had ended before it could be asked. */
  readonly parent: { readonly pid: number; readonly inside: number | null; readonly name: string } | null;
  /** Of the host's user namespace. */
  readonly uid: number | null;
  /** Controlling terminal: `pts0`; null for most of a container, and where ftrace looks. */
  readonly tty: string | null;
  /** As execve(2) was given it. */
  readonly file: string;
  /** At most 1 KiB of them; `argumentsCut` when there were more. */
  readonly arguments: readonly string[];
  readonly argumentsCut: boolean;
}

export interface ExitEvent {
  readonly at: number;
  readonly pid: number;
  readonly inside: number | null;
  readonly name: string;
  readonly ended: /** ftrace does not tell. */
    | { readonly kind: 'unknown' }
    | { readonly kind: 'exit'; readonly code: number }
    | { readonly kind: 'signal'; readonly signal: number };
}

export interface ExecResult extends TraceResult {
  /** Programs started, processes ended: all of them, also those that are not kept one by one. */
  readonly execs: number;
  readonly exits: number;
  /** Starts by program, the most first; 100 at most. */
  readonly programs: readonly { readonly file: string; readonly count: number }[];
  /** In order, the first 2,000. */
  readonly events: readonly (
    | ({ readonly kind: 'exec' } & ExecEvent)
    | ({ readonly kind: 'exit' } & ExitEvent)
  )[];
}
