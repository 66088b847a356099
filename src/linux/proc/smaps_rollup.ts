import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Bytes, bytes, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * /proc/<pid>/smaps_rollup (4.14; Documentation/filesystems/proc.rst): sums over all mappings, KiB in the file,
 * `Pss:                 349 kB`. Reading it walks the page tables: not for every process in every sample.
 */
export interface MemoryRollup {
  readonly resident: Bytes;
  /** Each shared page divided by the number of processes that map it. */
  readonly proportional: Bytes;
  readonly privateClean: Bytes;
  readonly privateDirty: Bytes;
  readonly sharedClean: Bytes;
  readonly sharedDirty: Bytes;
  readonly anonymous: Bytes;
  readonly anonymousHuge: Bytes;
  readonly swapped: Bytes;
}

export function parseSmapsRollup(text: string): MemoryRollup | undefined {
  const amounts = new Map<string, Bytes>();
  for (const [, key, digits] of text.matchAll(/^(\w+): +(\d+) kB$/gm)) {
    const value = parseCount(digits);
    if (key !== undefined && value !== undefined) amounts.set(key, bytes(value * 1024));
  }
  const resident = amounts.get('Rss');
  const proportional = amounts.get('Pss');
  if (resident === undefined || proportional === undefined) return undefined;
  const amount = (key: string): Bytes => amounts.get(key) ?? bytes(0);
  return {
    resident,
    proportional,
    privateClean: amount('Private_Clean'),
    privateDirty: amount('Private_Dirty'),
    sharedClean: amount('Shared_Clean'),
    sharedDirty: amount('Shared_Dirty'),
    anonymous: amount('Anonymous'),
    anonymousHuge: amount('AnonHugePages'),
    swapped: amount('Swap'),
  };
}

export const readSmapsRollup = (files: KernelFiles, pid: ProcPid): Reading<MemoryRollup> =>
  readParsed(files, `/proc/${pid}/smaps_rollup`, parseSmapsRollup);
