import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { type Bytes, bytes, parseCount } from '../../units.ts';

/** /proc/meminfo (proc(5)), KiB in the file: `MemTotal:       24684092 kB`. */
export interface MemoryInfo {
  readonly total: Bytes;
  readonly free: Bytes;
  /** What new work could get without swapping (3.14); before that, free. */
  readonly available: Bytes;
  /** Every line with a unit, by its name: `Active(anon)`. */
  readonly amounts: ReadonlyMap<string, Bytes>;
  /** Lines without one: `HugePages_Total`. */
  readonly counts: ReadonlyMap<string, number>;
}

export function parseMeminfo(text: string): MemoryInfo | undefined {
  const amounts = new Map<string, Bytes>();
  const counts = new Map<string, number>();
  for (const [, name, digits, unit] of text.matchAll(/^([\w()]+): +(\d+)( kB)?$/gm)) {
    const value = parseCount(digits);
    if (name === undefined || value === undefined) continue;
    if (unit === undefined) counts.set(name, value);
    else amounts.set(name, bytes(value * 1024));
  }
  const total = amounts.get('MemTotal');
  const free = amounts.get('MemFree');
  if (total === undefined || free === undefined) return undefined;
  return { total, free, available: amounts.get('MemAvailable') ?? free, amounts, counts };
}

export const readMeminfo = (files: KernelFiles): Reading<MemoryInfo> =>
  readParsed(files, '/proc/meminfo', parseMeminfo);
