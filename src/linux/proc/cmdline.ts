import type { KernelFiles } from '../files.ts';
import { mapReading, type Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

const longest = 4096;

/**
 * /proc/<pid>/cmdline: arguments that each end in NUL, cut at 4 KiB of text. The process can write anything
 * there (setproctitle). Empty for zombies and kernel threads.
 */
export function parseCmdline(text: string): readonly string[] {
  const kept = text.slice(0, longest);
  if (kept === '') return [];
  return (kept.endsWith('\0') ? kept.slice(0, -1) : kept).split('\0');
}

export const readCmdline = (files: KernelFiles, pid: ProcPid): Reading<readonly string[]> =>
  mapReading(files.read(`/proc/${pid}/cmdline`, 'one-record'), parseCmdline);
