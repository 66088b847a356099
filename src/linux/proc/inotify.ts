import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

/** What the link of an inotify(7) instance says in /proc/<pid>/fd. */
export const inotifyTarget = 'anon_inode:inotify';

/**
 * How many watches it has: /proc/<pid>/fdinfo/<n> has a line for each (fs/notify/fdinfo.c),
 * `inotify wd:1 ino:2 sdev:800001 mask:fff ignored_mask:0 fhandle-bytes:8 …`.
 */
export function parseInotifyWatches(text: string): number {
  let count = text.startsWith('inotify ') ? 1 : 0;
  for (let at = text.indexOf('\ninotify '); at >= 0; at = text.indexOf('\ninotify ', at + 1)) count += 1;
  return count;
}

export const readInotifyWatches = (files: KernelFiles, pid: ProcPid, number: number): Reading<number> =>
  readParsed(files, `/proc/${pid}/fdinfo/${number}`, parseInotifyWatches);
