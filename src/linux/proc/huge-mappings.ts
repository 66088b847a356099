import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Bytes, bytes, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** A mapping of which a part is backed by transparent huge pages. */
export interface HugeMapping {
  /** Addresses, in bytes: user space ends at 2^47 or 2^48, which a number holds. */
  readonly from: number;
  readonly to: number;
  readonly anonymousHuge: Bytes;
}

/**
 * /proc/<pid>/smaps (Documentation/filesystems/proc.rst 1.1): a line `7f1c84000000-7f1c86800000 rw-p …` and then what is
 * known of that mapping, of which `AnonHugePages:     40960 kB` counts here. Reading it walks the page tables of the
 * process: for few processes, when it is known that there is something to find.
 */
export function parseHugeMappings(text: string): readonly HugeMapping[] | undefined {
  const mappings: HugeMapping[] = [];
  let range: readonly [number, number] | undefined;
  for (const match of text.matchAll(
    /^(?:([0-9a-f]{1,16})-([0-9a-f]{1,16}) [rwxsp-]{4} |AnonHugePages: +(\d+) kB$)/gm,
  )) {
    const [, from, to, digits] = match;
    if (from !== undefined && to !== undefined) {
      range = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
      continue;
    }
    const kibibytes = parseCount(digits);
    if (range === undefined || kibibytes === undefined || kibibytes === 0) continue;
    mappings.push({ from: range[0], to: range[1], anonymousHuge: bytes(kibibytes * 1024) });
  }
  return range === undefined ? undefined : mappings;
}

export const readHugeMappings = (files: KernelFiles, pid: ProcPid): Reading<readonly HugeMapping[]> =>
  readParsed(files, `/proc/${pid}/smaps`, parseHugeMappings);
