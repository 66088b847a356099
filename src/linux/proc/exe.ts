import type { KernelFiles } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

/**
 * /proc/<pid>/exe: the program as the process's own mount namespace names it, with ` (deleted)` when its file is
 * gone. Kernel threads and zombies have none.
 */
export const readExecutable = (files: KernelFiles, pid: ProcPid): Reading<string> =>
  files.link(`/proc/${pid}/exe`);
