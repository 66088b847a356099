import { closeSync, fstatSync, statfsSync } from 'node:fs';
import { asLatin1, byDescriptor, deviceName, openBelow } from './below.ts';
import { absent, absentFromError, present, type Reading } from './reading.ts';
import { type Bytes, bytes } from './units.ts';
import { type Tree, type WalkBounds, walkNow } from './walk.ts';

export const defaultBounds: WalkBounds = { entries: 20_000, milliseconds: 100, depth: 32, largest: 8 };

export interface TmpfsContents {
  readonly used: Bytes;
  /** 0 when it was mounted without a size. */
  readonly size: Bytes;
  /** Largest first, by allocated bytes; paths start at the mount point. */
  readonly largest: readonly { readonly path: string; readonly size: Bytes }[];
  /** False when the walk stopped at a bound: a larger file may not have been seen. */
  readonly complete: boolean;
  /** Inodes in use, of any kind; absent where it was mounted with nr_inodes=0, which counts none. */
  readonly inodes?: number;
  /** The directory with the most entries, when there are many files; a walk cut short has seen fewer than there are. */
  readonly fullest?: { readonly path: string; readonly entries: number };
}

/** From here on the files of a mount are worth a look for their number alone: an inode and a name are 1 KB of memory. */
export const manyInodes = 4096;

const tmpfsMagic = 0x01021994;
const nothing: Tree = { bytes: bytes(0), entries: 0, largest: [], complete: true };

/**
 * What lies on the tmpfs mounted at `mountPoint` inside `root` (`/proc/<pid>/root`). The container owns every
 * name on that path and may swap it for a link to the host while we look, so each component is opened below the
 * descriptor of the one before it with O_NOFOLLOW, and the device must be the one mountinfo named.
 *
 * `smallest`: below it the files are not looked at.
 */
export function readTmpfs(
  root: string,
  mountPoint: string,
  device: string,
  smallest: Bytes,
  bounds: WalkBounds = defaultBounds,
): Reading<TmpfsContents> {
  let descriptor: number | undefined;
  try {
    descriptor = openBelow(root, mountPoint);
    const { type, bsize, blocks, bfree, files, ffree } = statfsSync(byDescriptor(descriptor));
    if (type !== tmpfsMagic || deviceName(fstatSync(descriptor).dev) !== device) {
      return absent(mountPoint, 'vanished', 'another mount covers it, or it was unmounted; look again');
    }
    const used = bytes((blocks - bfree) * bsize);
    const inodes = files > 0 ? files - ffree : undefined;
    // Without a size= the kernel reports no blocks at all: only the walk can tell.
    const isQuiet = blocks > 0 && used < smallest && (inodes ?? 0) < manyInodes;
    const name = mountPoint === '/' ? '' : asLatin1(mountPoint);
    const walk = isQuiet ? nothing : walkNow(descriptor, name, { bounds });
    return present({
      used: blocks === 0 ? walk.bytes : used,
      size: bytes(blocks * bsize),
      largest: walk.largest,
      complete: walk.complete,
      ...(inodes === undefined ? {} : { inodes }),
      ...(walk.fullest === undefined || (inodes ?? 0) < manyInodes ? {} : { fullest: walk.fullest }),
    });
  } catch (error) {
    return absentFromError(mountPoint, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
