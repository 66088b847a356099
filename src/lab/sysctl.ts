import { readFileSync, writeFileSync } from 'node:fs';
import type { Journal, JournalEntry } from './journal.ts';

type SysctlEntry = Extract<JournalEntry, { kind: 'sysctl' }>;

/** Plain names of net.* only: the journal is acted on as root. */
function pathOf(name: string): string {
  if (!/^net(\.[a-z0-9_]+)+$/.test(name)) throw new Error(`not a net.* value of the host: ${name}`);
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
