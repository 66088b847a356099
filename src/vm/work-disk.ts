import { closeSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorkplace } from './cache.ts';
import { runProgram } from './commands.ts';

export interface WorkDisk {
  /** Open for reading and writing. */
  readonly descriptor: number;
  close(): void;
}

/**
 * An empty ext4 disk in a file that has no name any more: whoever has it open is all that it lives of, so nothing is left
 * even by SIGKILL. It takes room only for what the guest writes.
 */
export async function openWorkDisk(cache: string, size: number): Promise<WorkDisk> {
  const { directory, remove } = makeWorkplace(join(cache, 'disk-'));
  try {
    const file = join(directory, 'work.ext4');
    closeSync(openSync(file, 'wx', 0o600));
    truncateSync(file, size);
    await runProgram([
      'mke2fs',
      '-q',
      '-F',
      '-t',
      'ext4',
      '-m',
      '0',
      '-E',
      'lazy_itable_init=1,nodiscard',
      file,
    ]);
    const descriptor = openSync(file, 'r+');
    return { descriptor, close: () => closeSync(descriptor) };
  } finally {
    remove();
  }
}
