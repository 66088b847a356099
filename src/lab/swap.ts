import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from './journal.ts';

const chunk = Buffer.alloc(2 ** 20);

/** Turns on a swap file in a directory of the run. Written rather than allocated: swapon(2) refuses holes. */
export function makeSwap(journal: Journal, directory: string, size: number): void {
  const file = join(directory, 'swapfile');
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    for (let written = 0; written < size; written += chunk.length) writeSync(descriptor, chunk);
  } finally {
    closeSync(descriptor);
  }
  execFileSync('mkswap', [file], { stdio: 'pipe' });
  journal.record({ kind: 'swap', file });
  execFileSync('swapon', [file], { stdio: 'pipe' });
}
