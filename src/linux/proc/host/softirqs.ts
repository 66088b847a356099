import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/**
 * /proc/softirqs (Documentation/filesystems/proc.rst): how often each kind was run on each possible CPU, since boot.
 *
 *                         CPU0       CPU1
 *               HI:          0          0
 *            TIMER:     101134      90214
 *           NET_RX:        842        712
 *
 * By CPU number, then by kind. How often is not how long: one run may take 2 µs or 2 ms.
 */
export type SoftirqCounts = ReadonlyMap<number, Readonly<Record<string, number>>>;

export function parseSoftirqs(text: string): SoftirqCounts | undefined {
  const [heading = '', ...lines] = text.split('\n');
  const cpus = [...heading.matchAll(/CPU(\d+)/g)].map(match => Number(match[1]));
  if (cpus.length === 0) return undefined;
  const table = new Map(cpus.map(cpu => [cpu, {} as Record<string, number>]));
  for (const line of lines) {
    const match = /^\s*(\w+):\s*([\d\s]*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const counts = match[2].trim().split(/\s+/).map(parseCount);
    for (const [column, cpu] of cpus.entries()) {
      const row = table.get(cpu);
      const count = counts[column];
      if (row !== undefined && count !== undefined) row[match[1]] = count;
    }
  }
  return table;
}

export const readSoftirqs = (files: KernelFiles): Reading<SoftirqCounts> =>
  readParsed(files, '/proc/softirqs', parseSoftirqs);
