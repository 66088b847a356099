import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats, statfsSync } from 'node:fs';
import { absent, absentFromError, present, type Reading } from './reading.ts';
import { type Bytes, bytes } from './units.ts';

/**
 * Ways into a directory that somebody else owns, such as /proc/<pid>/root. Every name on the path may be swapped
 * for a link to the host while we look, so each component is opened below the descriptor of the one before it
 * with O_NOFOLLOW, and nothing is looked up by a path twice.
 */
export const directoryFlags =
  constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** O_PATH (asm-generic/fcntl.h): a place without opening it, so that no FIFO or device notices. */
const pathFlags = 0o10000000 | constants.O_NOFOLLOW;

/** A path through an open descriptor; what it names cannot be swapped any more. */
export const byDescriptor = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

/** File names are bytes; latin1 carries each byte as one character, there and back. */
export const pathBytes = (path: string): Buffer => Buffer.from(path, 'latin1');
export const readable = (path: string): string => pathBytes(path).toString('utf8');
export const asLatin1 = (path: string): string => Buffer.from(path, 'utf8').toString('latin1');

/** `major:minor`, decoded as glibc's makedev(3) encodes them. */
export const deviceName = (device: number): string =>
  `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;

/** The directory at `path` inside `root`, opened for reading. The caller closes it. */
export const openBelow = (root: string, path: string): number => descend(root, path, directoryFlags);

function descend(root: string, path: string, flags: number): number {
  let current = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const name of asLatin1(path).split('/')) {
    if (name === '' || name === '.') continue;
    const parent = current;
    try {
      current = openSync(pathBytes(`${byDescriptor(parent)}/${name}`), flags);
    } finally {
      closeSync(parent);
    }
  }
  return current;
}

/** statfs(2) of a mount. */
export interface Room {
  readonly total: Bytes;
  readonly free: Bytes;
  /** For those who are not root: without the blocks that are kept back for it. */
  readonly available: Bytes;
  /** Inodes; 0 where the file system makes them as it goes (btrfs). */
  readonly files: number;
  readonly freeFiles: number;
}

/**
 * The room on the file system mounted at the directory `mountPoint` inside `root`; undefined in `value` when a file is
 * mounted there. Absent when another mount than `device` is found.
 */
export function readRoomBelow(root: string, mountPoint: string, device: string): Reading<Room | undefined> {
  let descriptor: number | undefined;
  try {
    descriptor = descend(root, mountPoint, pathFlags);
    const status = fstatSync(descriptor);
    if (deviceName(status.dev) !== device)
      return absent(mountPoint, 'vanished', 'another mount covers it, or it was unmounted; look again');
    if (!status.isDirectory()) return present(undefined);
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(byDescriptor(descriptor));
    return present({
      total: bytes(blocks * bsize),
      free: bytes(bfree * bsize),
      available: bytes(bavail * bsize),
      files,
      freeFiles: ffree,
    });
  } catch (error) {
    return absentFromError(mountPoint, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** So little is left, of blocks or of inodes, that who has it is worth a look. */
export const isNearlyFull = ({ total, available, files, freeFiles }: Room): boolean =>
  available < total * 0.05 || (files > 0 && freeFiles < files * 0.02);

/** lstat(2) of a path inside `root`, no part of which is followed when it is a link; undefined when there is none. */
export function lstatBelow(root: string, path: string): Stats | undefined {
  const at = path.lastIndexOf('/');
  let parent: number | undefined;
  try {
    parent = descend(root, path.slice(0, Math.max(0, at)), pathFlags);
    return lstatSync(pathBytes(`${byDescriptor(parent)}/${asLatin1(path.slice(at + 1))}`));
  } catch (error) {
    absentFromError(path, error);
    return undefined;
  } finally {
    if (parent !== undefined) closeSync(parent);
  }
}
