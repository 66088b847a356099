import type { KernelFiles } from './files.ts';
import { flatMapReading, mapReading, type Reading } from './reading.ts';
import { findTracefs } from './tracefs.ts';

/**
 * The names of a field's values as this kernel numbers them, from the `print fmt` line of a tracepoint's format file:
 * `__print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" })`. Enumerations in there grow and are put
 * in order anew between kernels.
 */
export function parseEventSymbols(format: string, field: string): ReadonlyMap<number, string> {
  const start = format.indexOf(`__print_symbolic(REC->${field},`);
  if (start < 0) return new Map();
  const names = new Map<number, string>();
  const pair = /\s*(?:__print_symbolic\(REC->\w+)?,?\s*\{\s*(\d+),\s*"([^"]*)"\s*\}/y;
  pair.lastIndex = start;
  for (let match = pair.exec(format); match !== null; match = pair.exec(format))
    names.set(Number(match[1]), match[2] ?? '');
  return names;
}

/** `event` as `skb/kfree_skb`. */
export const readEventSymbols = (
  files: KernelFiles,
  event: string,
  field: string,
): Reading<ReadonlyMap<number, string>> =>
  flatMapReading(findTracefs(files), mountPoint =>
    mapReading(files.read(`${mountPoint}/events/${event}/format`), text => parseEventSymbols(text, field)),
  );
