import { readFileSync, writeFileSync } from 'node:fs';
import type { Journal, JournalEntry } from './journal.ts';

type SysctlEntry = Extract<JournalEntry, { kind: 'sysctl' }>;

/** Plain names of net.*, and the number of huge pages: the journal is acted on as root. */
function pathOf(name: string): string {
  if (!/^(?:net(\.[a-z0-9_]+)+|vm\.nr_hugepages)$/.test(name))
    throw new Error(`not a value of the host that labs set: ${name}`);
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}

/** Several numbers are read with tabs between them, and written with blanks. */
const readValue = (path: string): string => readFileSync(path, 'utf8').trim().replace(/\s+/g, ' ');

/** Sets a value of the host until the run is undone. Journalled before it is set. */
export function setHostSysctl(journal: Journal, name: string, value: string): void {
  const path = pathOf(name);
  const before = readValue(path);
  if (before === value) return;
  journal.record({ kind: 'sysctl', name, before, ours: value });
  writeFileSync(path, value);
  if (readValue(path) === value) return;
  // Of huge pages the kernel makes as many as memory in one piece is found for.
  const got = readValue(path);
  writeFileSync(path, before);
  throw new Error(`the host gave ${name} the value ${got} instead of ${value}; try again on a quiet host`);
}

/** Puts the value back, unless somebody has set another one since: that is theirs then. */
export function restoreSysctl({ name, before, ours }: SysctlEntry): string | undefined {
  try {
    const path = pathOf(name);
    if (readValue(path) === ours) writeFileSync(path, before);
    return undefined;
  } catch (error) {
    return `${name} could not be set back to ${before}: ${(error as Error).message}`;
  }
}
