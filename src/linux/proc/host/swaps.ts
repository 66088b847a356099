import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { type Bytes, bytes, parseCount } from '../../units.ts';
import { unescapeOctal } from '../mountinfo.ts';

/**
 * /proc/swaps (proc(5)), after a line of titles: `/var/swap file 131068 0 -2`. KiB, the first page left out. The
 * kernel escapes blanks in paths in octal. The file is there wherever the kernel is built with CONFIG_SWAP.
 */
export interface SwapArea {
  readonly path: string;
  readonly size: Bytes;
  readonly used: Bytes;
}

export function parseSwaps(text: string): readonly SwapArea[] | undefined {
  const [titles, ...lines] = text.split('\n');
  if (!titles?.startsWith('Filename')) return undefined;
  return lines.flatMap(line => {
    const [path, , size, used] = line.trim().split(/\s+/);
    const [total, taken] = [parseCount(size), parseCount(used)];
    if (path === undefined || total === undefined || taken === undefined) return [];
    return [{ path: unescapeOctal(path), size: bytes(total * 1024), used: bytes(taken * 1024) }];
  });
}

export const readSwaps = (files: KernelFiles): Reading<readonly SwapArea[]> =>
  readParsed(files, '/proc/swaps', parseSwaps);
