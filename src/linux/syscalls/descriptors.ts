import { closeSync } from 'node:fs';
import { loadLibC } from './libc.ts';

/** F_DUPFD_CLOEXEC of linux/fcntl.h. */
const duplicateFrom = 1030;

/**
 * Makes room for so many open descriptors at once. The kernel doubles the table as it fills, and in a process with
 * several threads it waits for an RCU grace period each time (expand_fdtable() in fs/file.c): 5 to 15 ms, five
 * times on the way to 4096. Where it cannot be done, the table grows as ever.
 */
export function reserveDescriptors(count: number): void {
  const libc = loadLibC();
  if (!libc.present) return;
  const fcntl = libc.value.library.func('int fcntl(int fd, int command, ...)');
  const spare: number = fcntl(0, duplicateFrom, 'int', count - 1);
  if (spare >= 0) closeSync(spare);
}
