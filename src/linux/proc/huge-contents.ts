import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelFiles } from '../files.ts';
import { absentFromError, present, type Reading } from '../reading.ts';
import type { HugeMapping } from './huge-mappings.ts';
import type { ProcPid } from './process.ts';

/** Of the huge pages that were looked at: how many small pages they are, and how many of these hold only zeros. */
export interface HugeContents {
  readonly small: number;
  readonly empty: number;
}

/** PMD-sized pages of 4 KiB pages: x86-64, and arm64 as distributions build it. */
export const hugePage = 2 ** 21;
const smallPage = 4096;
const smallPerHuge = hugePage / smallPage;
const contents = Buffer.alloc(hugePage);
const zeros = Buffer.alloc(smallPage);
const entries = Buffer.alloc(smallPerHuge * 8);

/**
 * Looks into at most `most` huge pages of a process, spread over its mappings, and counts the 4 KiB pages in them that
 * hold nothing but zeros, which is what the kernel itself does before it splits one (thp_underused() in
 * mm/huge_memory.c, 6.12). Through /proc/<pid>/mem, without stopping the process; nothing of what is read is kept. Which
 * addresses are huge pages /proc/<pid>/pagemap tells (Documentation/admin-guide/mm/pagemap.rst).
 */
export function countEmptyPages(
  files: KernelFiles,
  pid: ProcPid,
  mappings: readonly HugeMapping[],
  most: number,
): Reading<HugeContents> {
  const path = `/proc/${pid}/mem`;
  try {
    const memory = open(files, path);
    const pagemap = open(files, `/proc/${pid}/pagemap`);
    try {
      let small = 0;
      let empty = 0;
      for (const address of spread(mappings, most)) {
        if (!isHuge(pagemap, address) || !read(memory, contents, address)) continue;
        small += smallPerHuge;
        empty += emptyIn(contents);
      }
      return present({ small, empty });
    } finally {
      closeSync(memory);
      closeSync(pagemap);
    }
  } catch (error) {
    return absentFromError(path, error);
  }
}

const open = (files: KernelFiles, path: string): number =>
  openSync(files.root === '/' ? path : join(files.root, path), constants.O_RDONLY);

/** Aligned addresses, evenly over all mappings in which as much can lie as was counted. */
export function spread(mappings: readonly HugeMapping[], most: number): readonly number[] {
  const starts = mappings.map(({ from }) => Math.ceil(from / hugePage) * hugePage);
  const counts = mappings.map(({ to }, index) =>
    Math.max(0, Math.floor((to - (starts[index] ?? to)) / hugePage)),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  const wanted = Math.min(total, most);
  const addresses: number[] = [];
  let before = 0;
  for (const [index, count] of counts.entries()) {
    for (let step = Math.ceil((before * wanted) / Math.max(1, total)); step < wanted; step += 1) {
      const place = Math.floor((step * total) / wanted) - before;
      if (place >= count) break;
      if (place >= 0) addresses.push((starts[index] ?? 0) + place * hugePage);
    }
    before += count;
  }
  return addresses;
}

/** All present (bit 63) and in one piece (bits 0 to 54, which are zero for those who may not see them). */
function isHuge(pagemap: number, address: number): boolean {
  if (!read(pagemap, entries, (address / smallPage) * 8)) return false;
  const frame = (index: number): bigint => entries.readBigUInt64LE(index * 8) & ((1n << 55n) - 1n);
  const first = frame(0);
  if (first % BigInt(smallPerHuge) !== 0n) return false;
  for (let index = 0; index < smallPerHuge; index += 1) {
    if ((entries[index * 8 + 7] ?? 0) < 0x80) return false;
    if (first !== 0n && frame(index) !== first + BigInt(index)) return false;
  }
  return true;
}

/** False when it is not there any more. */
function read(descriptor: number, into: Buffer, position: number): boolean {
  try {
    return readSync(descriptor, into, 0, into.length, position) === into.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return false;
    throw error;
  }
}

function emptyIn(page: Buffer): number {
  let empty = 0;
  for (let at = 0; at < hugePage; at += smallPage)
    if (page.compare(zeros, 0, smallPage, at, at + smallPage) === 0) empty += 1;
  return empty;
}
