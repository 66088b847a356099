import type { FileStatus, KernelFiles } from '../files.ts';
import { readParsed } from '../files.ts';
import { present, type Reading } from '../reading.ts';
import { parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** A link of /proc/<pid>/fd: `/var/log/x (deleted)`, `socket:[4711]`, `pipe:[4711]`, `anon_inode:[eventfd]`. */
export interface Descriptor {
  readonly number: number;
  readonly target: string;
}

/** /proc/<pid>/fdinfo/<n>: `pos:\t0`, `flags:\t0100001` (octal), `mnt_id:\t24`, `ino:\t3` (5.14). */
export interface DescriptorInfo {
  /** Bytes from the start of the file. */
  readonly position: number;
  /** open(2) flags as they were given. */
  readonly flags: number;
  readonly mountId: number | null;
}

/** All open descriptors, ascending. One that was closed meanwhile is left out. */
export function listDescriptors(files: KernelFiles, pid: ProcPid): Reading<readonly Descriptor[]> {
  const directory = `/proc/${pid}/fd`;
  const names = files.list(directory);
  if (!names.present) return names;
  const descriptors: Descriptor[] = [];
  for (const name of names.value) {
    const number = parseCount(name);
    const target = files.link(`${directory}/${name}`);
    if (number !== undefined && target.present) descriptors.push({ number, target: target.value });
  }
  return present(descriptors.sort((a, b) => a.number - b.number));
}

/** The same one by one, in the kernel's order, for those who stop early: a process may have a million of them. */
export function* eachDescriptor(files: KernelFiles, pid: ProcPid): Generator<Descriptor> {
  const directory = `/proc/${pid}/fd`;
  const names = files.list(directory);
  for (const name of names.present ? names.value : []) {
    const number = parseCount(name);
    const target = files.link(`${directory}/${name}`);
    if (number !== undefined && target.present) yield { number, target: target.value };
  }
}

export function parseFdinfo(text: string): DescriptorInfo | undefined {
  const field = (key: string): string | undefined =>
    new RegExp(`^${key}:[\\t ]*([0-7]+|\\d+)$`, 'm').exec(text)?.[1];
  const position = parseCount(field('pos'));
  const flags = field('flags');
  if (position === undefined || flags === undefined || !/^[0-7]{1,12}$/.test(flags)) return undefined;
  return { position, flags: Number.parseInt(flags, 8), mountId: parseCount(field('mnt_id')) ?? null };
}

const accessMode = 0o3;
export const opensForWriting = (info: DescriptorInfo): boolean => (info.flags & accessMode) !== 0;

export const readDescriptorInfo = (
  files: KernelFiles,
  pid: ProcPid,
  number: number,
): Reading<DescriptorInfo> => readParsed(files, `/proc/${pid}/fdinfo/${number}`, parseFdinfo);

/** fstat of somebody else's descriptor; works for unlinked files: `links` is 0 then. */
export const readDescriptorStatus = (files: KernelFiles, pid: ProcPid, number: number): Reading<FileStatus> =>
  files.status(`/proc/${pid}/fd/${number}`);

/** Inode of the socket behind a link, as /proc/net and sock_diag number it. */
export const socketInode = (target: string): number | undefined =>
  parseCount(/^socket:\[(\d+)\]$/.exec(target)?.[1]);

/** The path without the mark that d_path() puts on an unlinked file. Only `links` 0 proves that it is unlinked. */
export const withoutDeletedMark = (target: string): string => target.replace(/ \(deleted\)$/, '');
