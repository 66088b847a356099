import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/**
 * /proc/loadavg (proc(5)): `0.24 0.09 0.02 1/96 9167`. Tasks that run, can run, or sleep in D, averaged with
 * decay over 1, 5 and 15 minutes; all of the host, whichever container reads it.
 */
export interface LoadAverage {
  readonly averages: readonly [number, number, number];
  /** Runnable right now, without those in D. */
  readonly running: number;
  readonly threads: number;
}

export function parseLoadavg(text: string): LoadAverage | undefined {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) (\d+)\/(\d+)/.exec(text);
  const running = parseCount(match?.[4]);
  const threads = parseCount(match?.[5]);
  if (match === null || running === undefined || threads === undefined) return undefined;
  return { averages: [Number(match[1]), Number(match[2]), Number(match[3])], running, threads };
}

export const readLoadavg = (files: KernelFiles): Reading<LoadAverage> =>
  readParsed(files, '/proc/loadavg', parseLoadavg);
