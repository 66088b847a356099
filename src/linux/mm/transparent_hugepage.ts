import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';

/** always: wherever memory is aligned. madvise: where a program asked by madvise(MADV_HUGEPAGE). */
export type TransparentHugePages = 'always' | 'madvise' | 'never';

/**
 * /sys/kernel/mm/transparent_hugepage/enabled, `always [madvise] never`
 * (Documentation/admin-guide/mm/transhuge.rst): the word in brackets is in force.
 */
export function parseTransparentHugePages(text: string): TransparentHugePages | undefined {
  const word = /\[(\w+)\]/.exec(text)?.[1];
  return word === 'always' || word === 'madvise' || word === 'never' ? word : undefined;
}

export const readTransparentHugePages = (files: KernelFiles): Reading<TransparentHugePages> =>
  readParsed(files, '/sys/kernel/mm/transparent_hugepage/enabled', parseTransparentHugePages);
