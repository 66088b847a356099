import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Bytes, bytes, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * /proc/<pid>/io (proc(5)), of all its threads, ended ones included: `read_bytes: 4096` a line.
 * Needs the right to ptrace the process.
 */
export interface ProcessIo {
  /** Bytes that it caused to be read from storage. */
  readonly read: Bytes;
  /**
   * Bytes that it caused to be written to storage: what it made dirty in the page cache, counted then and not when it is
   * written back, and what it wrote directly. tmpfs does not count.
   */
  readonly written: Bytes;
  /** Of `written`, what was truncated before it was written back. */
  readonly cancelled: Bytes;
}

export function parseProcessIo(text: string): ProcessIo | undefined {
  const value = (name: string): number | undefined =>
    parseCount(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]);
  const read = value('read_bytes');
  const written = value('write_bytes');
  const cancelled = value('cancelled_write_bytes');
  if (read === undefined || written === undefined || cancelled === undefined) return undefined;
  return { read: bytes(read), written: bytes(written), cancelled: bytes(cancelled) };
}

export const readProcessIo = (files: KernelFiles, pid: ProcPid): Reading<ProcessIo> =>
  readParsed(files, `/proc/${pid}/io`, parseProcessIo, 'one-record');
