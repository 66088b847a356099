import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/** /proc/vmstat: `pgmajfault 1234`, one counter a line; nr_* are pages now, the others events since boot. */
export function parseVmstat(text: string): ReadonlyMap<string, number> | undefined {
  const counters = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, digits] = line.split(' ');
    const value = parseCount(digits);
    if (name !== undefined && name !== '' && value !== undefined) counters.set(name, value);
  }
  return counters.size === 0 ? undefined : counters;
}

export const readVmstat = (files: KernelFiles): Reading<ReadonlyMap<string, number>> =>
  readParsed(files, '/proc/vmstat', parseVmstat);
