import { basename } from 'node:path';
import type { KernelFiles } from '../linux/files.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { withoutDeletedMark } from '../linux/proc/fd.ts';
import type { HostPid } from '../linux/units.ts';

/** Node calls the main thread of every program so, and by that name nobody knows which program it is. */
const saysNothing = 'MainThread';

/** What a process is called: its thread's name, or where that says nothing the name of the file that it runs. */
export function programName(files: KernelFiles, pid: HostPid, threadName: string): string {
  if (threadName !== saysNothing) return threadName;
  const file = readExecutable(files, pid);
  return file.present ? basename(withoutDeletedMark(file.value)) : threadName;
}
