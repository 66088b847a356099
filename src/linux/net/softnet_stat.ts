import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';

/**
 * /proc/net/softnet_stat (net/core/net-procfs.c: softnet_seq_show): one line for each online CPU, hexadecimal, of the
 * whole machine, whichever namespace reads it.
 *
 *     0000272d 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 …
 */
export interface SoftnetCpu {
  /** Packets that this CPU took from devices and backlogs. */
  readonly packets: number;
  /** Thrown away, as its backlog was full (net.core.netdev_max_backlog). */
  readonly dropped: number;
  /** Times that it stopped with work left: budget or time was up. */
  readonly squeezed: number;
  /** Times that another CPU handed it packets (RPS). */
  readonly steered: number;
}

/** By CPU number; the column with the number came with 5.10, before that it is the line's. */
export function parseSoftnetStat(text: string): ReadonlyMap<number, SoftnetCpu> | undefined {
  const cpus = new Map<number, SoftnetCpu>();
  for (const [line, row] of text.split('\n').entries()) {
    const fields = row.trim().split(/\s+/);
    if (fields.length < 9 || !fields.every(field => /^[0-9a-f]{8}$/.test(field))) continue;
    const at = (column: number): number => Number.parseInt(fields[column] ?? '0', 16);
    const cpu = fields.length > 12 ? at(12) : line;
    cpus.set(cpu, { packets: at(0), dropped: at(1), squeezed: at(2), steered: at(9) });
  }
  return cpus.size > 0 ? cpus : undefined;
}

export const readSoftnetStat = (files: KernelFiles): Reading<ReadonlyMap<number, SoftnetCpu>> =>
  readParsed(files, '/proc/net/softnet_stat', parseSoftnetStat);
