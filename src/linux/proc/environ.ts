import type { KernelFiles } from '../files.ts';
import { mapReading, type Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

/** /proc/<pid>/environ: `NAME=value` at the start of the program, each ends in NUL. The first of a name counts. */
export function parseEnviron(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const entry of text.split('\0')) {
    const equals = entry.indexOf('=');
    if (equals > 0 && !variables.has(entry.slice(0, equals)))
      variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return variables;
}

export const readEnviron = (files: KernelFiles, pid: ProcPid): Reading<ReadonlyMap<string, string>> =>
  mapReading(files.read(`/proc/${pid}/environ`), parseEnviron);
