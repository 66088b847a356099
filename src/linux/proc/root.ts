import type { FileStatus, FileSystemStatus, KernelFiles } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

/** The directory that /proc/<pid>/root leads to (proc(5)): what the process itself calls `/`. */
export const readRootStatus = (files: KernelFiles, pid: ProcPid): Reading<FileStatus> =>
  files.status(`/proc/${pid}/root/`);

/** Names directly below the root of a process, unsorted. */
export const listRoot = (files: KernelFiles, pid: ProcPid): Reading<readonly string[]> =>
  files.list(`/proc/${pid}/root/`);

/** statfs(2) at a path that the process has. For paths of our own making: a link of the container's would be followed. */
export const readRoom = (files: KernelFiles, pid: ProcPid, path: string): Reading<FileSystemStatus> =>
  files.fileSystem(`/proc/${pid}/root${path}`);
