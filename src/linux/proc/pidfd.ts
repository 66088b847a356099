import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type HostPid, hostPid, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** What the link of a pidfd says in /proc/<pid>/fd: `anon_inode:[pidfd]`, from Linux 6.9 on `pidfd:[4711]`. */
export const isProcessDescriptor = (target: string): boolean =>
  target === 'anon_inode:[pidfd]' || /^pidfd:\[\d+\]$/.test(target);

/** /proc/<pid>/fdinfo/<n> of a pidfd (kernel/fork.c, pidfd_show_fdinfo): `Pid:\t4711` as the reader numbers it; -1 when it has ended. */
export function parseProcessDescriptor(text: string): HostPid | undefined {
  const pid = parseCount(/^Pid:\s*(\d+)$/m.exec(text)?.[1]);
  return pid === undefined || pid === 0 ? undefined : hostPid(pid);
}

export const readProcessDescriptor = (files: KernelFiles, pid: ProcPid, number: number): Reading<HostPid> =>
  readParsed(files, `/proc/${pid}/fdinfo/${number}`, parseProcessDescriptor);
