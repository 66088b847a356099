import { type FileStatus, type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { parseCount } from '../units.ts';
import { withoutDeletedMark } from './fd.ts';
import type { ProcPid } from './process.ts';

/** A shared mapping of a file that has no name any more. */
export interface NamelessMapping {
  /** Its name in /proc/<pid>/map_files: `7f1c84000000-7f1c86800000`. */
  readonly range: string;
  /** `major:minor`, hexadecimal as the file has them: `00:01`. */
  readonly device: string;
  readonly inode: number;
  /** `/memfd:arena`, `/dev/zero` (shared anonymous memory), `/SYSV000010e1`, `/dev/shm/x`. */
  readonly path: string;
}

/**
 * /proc/<pid>/maps (Documentation/filesystems/proc.rst 1.1), of which only lines such as
 * `7f1c84000000-7f1c86800000 rw-s 00000000 00:01 2051                      /memfd:arena (deleted)` count:
 * shared ("s", not "p"), with an inode, and the kernel's mark that no name leads to it.
 */
export function parseNamelessMappings(text: string): readonly NamelessMapping[] {
  const mappings: NamelessMapping[] = [];
  for (const line of text.split('\n')) {
    if (!line.endsWith(' (deleted)')) continue;
    const match = /^([0-9a-f]+-[0-9a-f]+) [r-][w-][x-]s [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(.+)$/.exec(
      line,
    );
    const [, range, device, inodeText, path] = match ?? [];
    const inode = parseCount(inodeText);
    if (range === undefined || device === undefined || path === undefined || inode === undefined) continue;
    mappings.push({ range, device, inode, path: withoutDeletedMark(path) });
  }
  return mappings;
}

/** stat(2) of the file behind a mapping, through /proc/<pid>/map_files/<range>; needs CAP_SYS_ADMIN or ptrace rights. */
export const readMappingStatus = (
  files: KernelFiles,
  pid: ProcPid,
  { range }: NamelessMapping,
): Reading<FileStatus> => files.status(`/proc/${pid}/map_files/${range}`);

export const readNamelessMappings = (files: KernelFiles, pid: ProcPid): Reading<readonly NamelessMapping[]> =>
  readParsed(files, `/proc/${pid}/maps`, parseNamelessMappings);

/** Executable memory of a process. */
export interface CodeMapping {
  readonly range: string;
  readonly start: number;
  readonly end: number;
  /** Byte of the file that `start` shows. */
  readonly offset: number;
  readonly device: string;
  readonly inode: number;
  /** As the process names it: `/usr/lib/libc.so.6`, `[vdso]`; empty for anonymous memory, where JIT code lies. */
  readonly path: string;
}

/**
 * Of /proc/<pid>/maps the lines with x, ascending as they are:
 * `7f7d63a26000-7f7d63b7c000 r-xp 00026000 fe:00 1842    /usr/lib/x86_64-linux-gnu/libc.so.6`
 */
export function parseCodeMappings(text: string): readonly CodeMapping[] {
  const mappings: CodeMapping[] = [];
  for (const line of text.split('\n')) {
    if (line.indexOf('x') < 0) continue;
    const match =
      /^(([0-9a-f]{1,13})-([0-9a-f]{1,13})) [r-][w-]x[ps] ([0-9a-f]{1,16}) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/.exec(
        line,
      );
    const [, range, start = '', end = '', offset = '', device, inodeText, path = ''] = match ?? [];
    const inode = parseCount(inodeText);
    if (range === undefined || device === undefined || inode === undefined) continue;
    const hex = (digits: string): number => Number.parseInt(digits, 16);
    mappings.push({ range, start: hex(start), end: hex(end), offset: hex(offset), device, inode, path });
  }
  return mappings;
}

export const readCodeMappings = (files: KernelFiles, pid: ProcPid): Reading<readonly CodeMapping[]> =>
  readParsed(files, `/proc/${pid}/maps`, parseCodeMappings);
