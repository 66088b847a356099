import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setStrictDirtyLimit } from '../linux/bdi.ts';
import { readLoopBackingFile } from '../linux/block.ts';
import { hierarchyOf } from '../linux/cgroup/layout.ts';
import { openKernelFiles } from '../linux/files.ts';
import { labLayout } from './cgroups.ts';
import type { Journal, JournalEntry } from './journal.ts';

type ThrottleEntry = Extract<JournalEntry, { kind: 'throttle' }>;

/**
 * Where write-back to a device can be made slow: the root of v1's blkio, in which the kernel's threads issue it. The root
 * of cgroup2 has no io.max, and limits below it would be the containers' own.
 */
export function throttleDirectory(): string | undefined {
  const hierarchy = hierarchyOf(labLayout(), 'io');
  return hierarchy.present && hierarchy.value.version === 'v1' ? hierarchy.value.mountPoint : undefined;
}

const bothWays = ['read', 'write'] as const;
const throttleFile = (directory: string, way: (typeof bothWays)[number]): string =>
  join(directory, `blkio.throttle.${way}_bps_device`);

/** Bytes per second for reading, and as many for writing. Journalled before the first limit is set. */
export function setThrottle(
  journal: Journal,
  { device, file }: { readonly device: string; readonly file: string },
  rate: number | 'max',
): void {
  const directory = throttleDirectory();
  if (directory === undefined) throw new Error('a slow disk needs the blkio controller of cgroup v1');
  journal.record({ kind: 'throttle', directory, device, file });
  for (const way of bothWays)
    writeFileSync(throttleFile(directory, way), `${device} ${rate === 'max' ? 0 : rate}`, { flag: 'r+' });
}

/** The limit stays with the device's number when the file is detached, so it goes first; a number that is another's by now is left alone. */
export function removeThrottle({ directory, device, file }: ThrottleEntry): string | undefined {
  if (!isOver(device, file)) return undefined;
  try {
    for (const way of bothWays) writeFileSync(throttleFile(directory, way), `${device} 0`, { flag: 'r+' });
    return undefined;
  } catch (error) {
    return `the limit of ${device} in ${directory} stays: ${(error as Error).message}`;
  }
}

/** Both are numbers of the device and outlive its file; one that is another's by now is left alone. */
function isOver(device: string, file: string): boolean {
  const backing = /^\d+:\d+$/.test(device) ? readLoopBackingFile(openKernelFiles(), device) : undefined;
  return backing?.present === true && backing.value === file;
}

type DirtyLimitEntry = Extract<JournalEntry, { kind: 'dirty-limit' }>;

/** Journalled before it is set. */
export function setDirtyLimit(
  journal: Journal,
  { device, file }: { readonly device: string; readonly file: string },
  limit: number | 'max',
): void {
  journal.record({ kind: 'dirty-limit', device, file });
  setStrictDirtyLimit(device, limit);
}

export function removeDirtyLimit({ device, file }: DirtyLimitEntry): string | undefined {
  if (!isOver(device, file)) return undefined;
  try {
    setStrictDirtyLimit(device, 'max');
    return undefined;
  } catch (error) {
    return `the limit on dirty pages of ${device} stays: ${(error as Error).message}`;
  }
}
