import { closeSync, fstatSync, lstatSync, opendirSync, openSync, statfsSync } from 'node:fs';
import {
  asLatin1,
  byDescriptor,
  deviceName,
  directoryFlags,
  openBelow,
  pathBytes,
  readable,
} from './below.ts';
import { absent, absentFromError, present, type Reading } from './reading.ts';
import { type Bytes, bytes } from './units.ts';

/** How far a walk goes. Whatever a container keeps on its tmpfs, looking at it must end. */
export interface WalkBounds {
  readonly entries: number;
  readonly milliseconds: number;
  readonly depth: number;
  /** How many files to name. */
  readonly largest: number;
}

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
    const walk: WalkResult = isQuiet
      ? { largest: [], seen: 0, complete: true }
      : walkLargest(descriptor, mountPoint, bounds);
    return present({
      used: blocks === 0 ? bytes(walk.seen) : used,
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

interface Walk {
  readonly bounds: WalkBounds;
  readonly deadline: number;
  readonly device: number;
  readonly files: { path: string; size: Bytes }[];
  /** Files with several names count once. */
  readonly linked: Set<number>;
  fullest?: { path: string; entries: number };
  entries: number;
  seen: number;
  complete: boolean;
}

type WalkResult = Pick<TmpfsContents, 'largest' | 'complete' | 'fullest'> & { readonly seen: number };

function walkLargest(descriptor: number, mountPoint: string, bounds: WalkBounds): WalkResult {
  const walk: Walk = {
    bounds,
    deadline: performance.now() + bounds.milliseconds,
    device: fstatSync(descriptor).dev,
    files: [],
    linked: new Set(),
    entries: 0,
    seen: 0,
    complete: true,
  };
  visit(walk, descriptor, mountPoint === '/' ? '' : asLatin1(mountPoint), 0);
  const largest = walk.files.map(({ path, size }) => ({ path: readable(path), size }));
  const { seen, complete, fullest } = walk;
  return {
    largest,
    seen,
    complete,
    ...(fullest && { fullest: { ...fullest, path: readable(fullest.path) || '/' } }),
  };
}

function visit(walk: Walk, descriptor: number, path: string, depth: number): void {
  const below: string[] = [];
  const before = walk.entries;
  const directory = opendirSync(byDescriptor(descriptor), { encoding: 'latin1', bufferSize: 256 });
  try {
    for (let found = directory.readSync(); found !== null; found = directory.readSync()) {
      walk.entries += 1;
      if (walk.entries > walk.bounds.entries || performance.now() > walk.deadline) {
        walk.complete = false;
        return;
      }
      if (found.isDirectory()) below.push(found.name);
      else if (found.isFile())
        note(walk, `${byDescriptor(descriptor)}/${found.name}`, `${path}/${found.name}`);
    }
  } finally {
    directory.closeSync();
    const entries = walk.entries - before;
    if (entries > (walk.fullest?.entries ?? 0)) walk.fullest = { path, entries };
  }
  if (below.length > 0 && depth >= walk.bounds.depth) {
    walk.complete = false;
    return;
  }
  for (const name of below) {
    descend(walk, `${byDescriptor(descriptor)}/${name}`, `${path}/${name}`, depth + 1);
    if (!walk.complete) return;
  }
}

function descend(walk: Walk, door: string, path: string, depth: number): void {
  let child: number;
  try {
    child = openSync(pathBytes(door), directoryFlags);
  } catch (error) {
    // Removed since it was listed, or a link by now. What is no system error is thrown on.
    absentFromError(readable(path), error);
    return;
  }
  try {
    if (fstatSync(child).dev === walk.device) visit(walk, child, path, depth);
  } finally {
    closeSync(child);
  }
}

function note(walk: Walk, door: string, path: string): void {
  const status = lstatSync(pathBytes(door), { throwIfNoEntry: false });
  if (status === undefined || !status.isFile() || status.dev !== walk.device) return;
  if (status.nlink > 1) {
    if (walk.linked.has(status.ino)) return;
    walk.linked.add(status.ino);
  }
  const size = bytes(status.blocks * 512);
  walk.seen += size;
  if (size === 0) return;
  const { files, bounds } = walk;
  const smallest = files.at(-1);
  if (files.length === bounds.largest && smallest !== undefined && smallest.size >= size) return;
  files.push({ path, size });
  files.sort((a, b) => b.size - a.size);
  if (files.length > bounds.largest) files.pop();
}
