import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';

/**
 * /proc/filesystems (proc(5)): one type per line, after a tab, `nodev` before it when it needs no block device:
 * `nodev\ttmpfs`, `\text4`. Modules that are not loaded yet are missing.
 */
export function parseFilesystems(text: string): readonly string[] | undefined {
  const types = text.split('\n').flatMap(line => /^(?:nodev)?\t(\S+)$/.exec(line)?.[1] ?? []);
  return types.length === 0 ? undefined : types;
}

export const readFilesystems = (files: KernelFiles): Reading<readonly string[]> =>
  readParsed(files, '/proc/filesystems', parseFilesystems);
