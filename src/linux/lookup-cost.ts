import { closeSync, lstatSync } from 'node:fs';
import { byDescriptor, openBelow, pathBytes } from './below.ts';
import { absentFromError, present, type Reading } from './reading.ts';

/** How long lstat(2) takes for a name that a directory does not have, in microseconds, the middle of several. */
export interface LookupCost {
  /** For the first time: an overlay asks each of its layers (ovl_lookup() in fs/overlayfs/namei.c). */
  readonly first: number;
  /** Again: the kernel remembers that there is none (a negative dentry). */
  readonly again: number;
}

/** Each leaves one negative dentry, which goes when memory is wanted. */
const names = 24;
let asked = 0;

/** Of a directory inside `root`, no part of whose path is followed when it is a link. Nothing is made there. */
export function measureLookups(root: string, path: string): Reading<LookupCost> {
  let directory: number | undefined;
  try {
    directory = openBelow(root, path);
    const door = byDescriptor(directory);
    asked += 1;
    const absent = Array.from({ length: names }, (_, index) =>
      pathBytes(`${door}/.glassbox-nowhere-${process.pid}-${asked}-${index}`),
    );
    return present({ first: middleLookup(absent), again: middleLookup(absent) });
  } catch (error) {
    return absentFromError(path, error);
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
}

/** The middle of what lstat(2) takes for each of these names, in microseconds: one that waits for a CPU or a disk spoils a mean. */
export function middleLookup(paths: readonly Buffer[]): number {
  const times = paths.map(path => {
    const begin = performance.now();
    lstatSync(path, { throwIfNoEntry: false });
    return (performance.now() - begin) * 1000;
  });
  return Math.round((times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0) * 10) / 10;
}
