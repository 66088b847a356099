import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';

/**
 * /proc/<pid>/net/stat/nf_conntrack (net/netfilter/nf_conntrack_standalone.c: ct_cpu_seq_show), one line for each CPU,
 * hexadecimal, of this network namespace since it was made:
 *
 *     entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop …
 *     00000064  00000000 00000000 …
 *
 * `entries` is the whole table's, the same in each line. Which columns there are changes from kernel to kernel, and
 * unused ones stay as zeros. No such file: the module nf_conntrack is not loaded.
 */
export interface ConntrackStat {
  /** Tracked connections now. */
  readonly entries: number;
  /** Packets dropped because no entry could be made, or because the entry could not be put into the table. */
  readonly drop: number;
  /** Entries thrown out to make room: connections that nobody had answered yet. */
  readonly earlyDrop: number;
  /** Entries that could not be put into the table; on most kernels also counted as `drop`. */
  readonly insertFailed: number;
}

export function parseConntrackStat(text: string): ConntrackStat | undefined {
  const [heading = '', ...lines] = text.split('\n');
  const names = heading.trim().split(/\s+/);
  if (names[0] !== 'entries') return undefined;
  const rows = lines
    .filter(line => line.trim() !== '')
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields.length === names.length && fields.every(field => /^[0-9a-f]{1,8}$/.test(field)))
    .map(fields => fields.map(field => Number.parseInt(field, 16)));
  if (rows.length === 0) return undefined;
  const sum = (name: string): number => {
    const column = names.indexOf(name);
    return column < 0 ? 0 : rows.reduce((total, row) => total + (row[column] ?? 0), 0);
  };
  return {
    entries: rows[0]?.[0] ?? 0,
    drop: sum('drop'),
    earlyDrop: sum('early_drop'),
    insertFailed: sum('insert_failed'),
  };
}

/** Of the network namespace that `pid` is in. */
export const readConntrackStat = (files: KernelFiles, pid: HostPid): Reading<ConntrackStat> =>
  readParsed(files, `/proc/${pid}/net/stat/nf_conntrack`, parseConntrackStat);
