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
  /** The file that runs, which for a script is its interpreter; only eBPF sees it. */
  readonly program?: ExecutedFile;
}

export interface ExecutedFile {
  /** ISO 8601: when its contents, owner or mode were changed last (ctime), which nobody can set back. */
  readonly changedAt: string;
  /** The magic number of linux/magic.h: 0x794c7630 is an overlay, 0x01021994 memory. */
  readonly fileSystem: number;
  /** 0: it has no name any more, or, as a memfd, never had one. */
  readonly links: number;
  /**
   * lower: in a lower layer of an overlay, as it came with the image. upper: in the upper layer, so written or changed in the
   * container. root: on its root file system, which has no layers. elsewhere: on another mount. Left out where the kernel does not tell.
   */
  readonly place?: 'lower' | 'upper' | 'root' | 'elsewhere';
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
