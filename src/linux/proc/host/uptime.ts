import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { type Microseconds, microseconds } from '../../units.ts';

/** /proc/uptime: `1426.16 2781.89`, seconds since boot and idle seconds of all CPUs. A time namespace shifts the first. */
export function parseUptime(text: string): Microseconds | undefined {
  const match = /^(\d{1,9})\.(\d{2}) /.exec(text);
  return match === null ? undefined : microseconds(Number(match[1]) * 1_000_000 + Number(match[2]) * 10_000);
}

export const readUptime = (files: KernelFiles): Reading<Microseconds> =>
  readParsed(files, '/proc/uptime', parseUptime);
