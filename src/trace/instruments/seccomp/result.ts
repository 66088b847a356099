import type { TraceResult } from '../../instrument.ts';

export interface SeccompResult extends TraceResult {
  /** By call, answer and program, the most first. */
  readonly denied: readonly DeniedCall[];
  /** Calls that got an error for an answer, signals sent, processes or threads killed. */
  readonly errors: number;
  readonly signals: number;
  readonly killed: number;
}

export interface DeniedCall {
  readonly call: string;
  /**
   * error: SECCOMP_RET_ERRNO, or what a supervisor answered (SECCOMP_RET_USER_NOTIF). signal: SIGSYS for
   * SECCOMP_RET_TRAP and _KILL_PROCESS. killed: the process or thread ended by it.
   */
  readonly answer:
    | { readonly kind: 'error'; readonly errno: number }
    | { readonly kind: 'signal' }
    | { readonly kind: 'killed' };
  readonly program: string;
  /** Of the first process: host pid, and as the container numbers it. */
  readonly pid: number;
  readonly inside: number;
  readonly count: number;
}
