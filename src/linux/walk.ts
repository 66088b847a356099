import { closeSync, fstatSync, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import {
  asLatin1,
  byDescriptor,
  deviceName,
  directoryFlags,
  openBelow,
  pathBytes,
  readable,
} from './below.ts';
import { absentFromError } from './reading.ts';
import { type Bytes, bytes } from './units.ts';

export type { Stats };

/** How far a walk goes. Whatever a container keeps there, looking at it must end. */
export interface WalkBounds {
  readonly entries: number;
  readonly milliseconds: number;
  readonly depth: number;
  /** How many files to name. */
  readonly largest: number;
}

/** What a walk has seen of a tree on one file system, without what is mounted below. */
export interface Tree {
  /** Allocated by files; one with several names counts once. */
  readonly bytes: Bytes;
  /** Names seen, of any kind. */
  readonly entries: number;
  /** Largest first, by allocated bytes; empty ones are not named. */
  readonly largest: readonly { readonly path: string; readonly size: Bytes }[];
  /** The directory with the most entries. */
  readonly fullest?: { readonly path: string; readonly entries: number };
  /** False when it stopped at a bound. */
  readonly complete: boolean;
}

export interface WalkOptions {
  readonly bounds: WalkBounds;
  /** Called for each regular file; its path begins with `name`. */
  readonly onFile?: (path: string, status: Stats) => void;
  /** Asked now and then: true ends the walk, which keeps what it has. */
  readonly isEnded?: () => boolean;
  /** Mount points, latin1 as paths are here: what is mounted there is not walked, be it of the same file system. */
  readonly mounted?: ReadonlySet<string>;
  /** Inodes with several names that were counted already, also by walks before this one. */
  readonly linked?: Set<number>;
}

/** More names of one file than fit here count again: a bound on memory, not on what is walked. */
const rememberedLinks = 100_000;
const entriesBetweenYields = 500;

interface Walk {
  readonly options: WalkOptions;
  readonly deadline: number;
  readonly device: number;
  readonly largest: { path: string; size: Bytes }[];
  readonly linked: Set<number>;
  fullest?: { path: string; entries: number };
  entries: number;
  bytes: number;
  complete: boolean;
}

/**
 * Walks the tree below an open directory, every now and then handing out what it has so far: so somebody may show
 * progress, or end it by not going on. Each directory is opened below its parent's descriptor with O_NOFOLLOW, files are
 * asked for their status only: no link leads out, no FIFO holds it up. `name` (latin1) is what paths begin with.
 */
export function* walkTree(descriptor: number, name: string, options: WalkOptions): Generator<Tree, Tree> {
  const walk: Walk = {
    options,
    deadline: performance.now() + options.bounds.milliseconds,
    device: fstatSync(descriptor).dev,
    largest: [],
    linked: options.linked ?? new Set(),
    entries: 0,
    bytes: 0,
    complete: true,
  };
  yield* visit(walk, descriptor, name, 0);
  return treeOf(walk);
}

/** The whole walk at once, within its bounds. */
export function walkNow(descriptor: number, name: string, options: WalkOptions): Tree {
  const steps = walkTree(descriptor, name, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

function treeOf({ bytes: seen, entries, largest, fullest, complete }: Walk): Tree {
  return {
    bytes: bytes(seen),
    entries,
    largest: largest.map(({ path, size }) => ({ path: readable(path), size })),
    ...(fullest && { fullest: { ...fullest, path: readable(fullest.path) || '/' } }),
    complete,
  };
}

function* visit(walk: Walk, descriptor: number, path: string, depth: number): Generator<Tree, void> {
  const below: string[] = [];
  const before = walk.entries;
  const directory = opendirSync(byDescriptor(descriptor), { encoding: 'latin1', bufferSize: 256 });
  try {
    for (let found = directory.readSync(); found !== null; found = directory.readSync()) {
      walk.entries += 1;
      if (isOver(walk)) {
        walk.complete = false;
        return;
      }
      if (found.isDirectory()) below.push(found.name);
      else if (found.isFile() && !isMounted(walk, `${path}/${found.name}`))
        note(walk, `${byDescriptor(descriptor)}/${found.name}`, `${path}/${found.name}`);
      if (walk.entries % entriesBetweenYields === 0) yield treeOf(walk);
    }
  } finally {
    directory.closeSync();
    const entries = walk.entries - before;
    if (entries > (walk.fullest?.entries ?? 0)) walk.fullest = { path, entries };
  }
  if (below.length > 0 && depth >= walk.options.bounds.depth) {
    walk.complete = false;
    return;
  }
  for (const name of below) {
    if (isMounted(walk, `${path}/${name}`)) continue;
    yield* descend(walk, `${byDescriptor(descriptor)}/${name}`, `${path}/${name}`, depth + 1);
    if (!walk.complete && isOver(walk)) return;
  }
}

const isMounted = ({ options }: Walk, path: string): boolean => options.mounted?.has(path) === true;

const isOver = ({ entries, options, deadline }: Walk): boolean =>
  entries > options.bounds.entries || performance.now() > deadline || options.isEnded?.() === true;

function* descend(walk: Walk, door: string, path: string, depth: number): Generator<Tree, void> {
  let child: number;
  try {
    child = openSync(pathBytes(door), directoryFlags);
  } catch (error) {
    // Removed since it was listed, or a link by now. What is no system error is thrown on.
    absentFromError(readable(path), error);
    return;
  }
  try {
    if (fstatSync(child).dev === walk.device) yield* visit(walk, child, path, depth);
  } finally {
    closeSync(child);
  }
}

function note(walk: Walk, door: string, path: string): void {
  const status = lstatSync(pathBytes(door), { throwIfNoEntry: false });
  if (status === undefined || !status.isFile() || status.dev !== walk.device) return;
  if (status.nlink > 1) {
    if (walk.linked.has(status.ino)) return;
    if (walk.linked.size < rememberedLinks) walk.linked.add(status.ino);
  }
  walk.options.onFile?.(path, status);
  const size = bytes(status.blocks * 512);
  walk.bytes += size;
  if (size === 0) return;
  const { largest, options } = walk;
  const smallest = largest.at(-1);
  if (largest.length === options.bounds.largest && smallest !== undefined && smallest.size >= size) return;
  largest.push({ path, size });
  largest.sort((a, b) => b.size - a.size);
  if (largest.length > options.bounds.largest) largest.pop();
}

/**
 * The tree of a directory inside `root`, which may be somebody else's: undefined when it is no directory of that device,
 * or gone. Ended early, it closes what it had open.
 */
export function* walkBelow(
  root: string,
  path: string,
  device: string,
  name: string,
  options: WalkOptions,
): Generator<Tree, Tree | undefined> {
  let descriptor: number | undefined;
  try {
    descriptor = openBelow(root, path);
    if (deviceName(fstatSync(descriptor).dev) !== device) return undefined;
    return yield* walkTree(descriptor, name === '/' ? '' : asLatin1(name), options);
  } catch (error) {
    // A file that is mounted, or gone by now; what is no system error is thrown on.
    absentFromError(path, error);
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
