import type { TraceResult } from '../../instrument.ts';

export interface CapabilitiesResult extends TraceResult {
  /** By capability, system call and program, the refused first; all of them. */
  readonly asked: readonly AskedCapability[];
  /** Capabilities that were asked for and granted: with these alone it would have run as it did. */
  readonly used: readonly number[];
  /** Those without which a call failed. */
  readonly missing: readonly number[];
}

export interface AskedCapability {
  /** CAP_* of include/uapi/linux/capability.h. */
  readonly capability: number;
  /** System call in which it was asked; `none` outside of one. */
  readonly call: string;
  readonly program: string;
  /** Host pid of the last process that was asked. */
  readonly pid: number;
  readonly uid: number;
  readonly granted: number;
  readonly denied: number;
  /** Calls in which it was denied and that then failed with EPERM or EACCES. */
  readonly refused: number;
  /**
   * The kernel's own question on every fork and mmap and every page of a tmpfs (security_vm_enough_memory_mm): may this process have
   * the memory that is kept back for root? Nobody needs the answer to be yes. False where /proc/kallsyms hides addresses.
   */
  readonly memoryAccounting: boolean;
}
