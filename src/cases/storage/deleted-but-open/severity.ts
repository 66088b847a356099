import { type Severity, severities } from '../../../diagnose/verdict.ts';
import type { HeldFile, HeldSpace } from './held.ts';

const mebibyte = 1024 * 1024;

/** What nobody will miss on any disk of today; scratch files of databases and JVMs stay below it. */
export const modest = 32 * mebibyte;

/**
 * By what it does to the file system. A share of the whole, or room that is missed because the file system is
 * almost full; and, on a disk so large that no share is reached, a log of 32 MiB that is still being written:
 * nothing bounds it, because whoever rotates logs believes that it is gone.
 */
export function severityOf(space: HeldSpace): Severity | undefined {
  if (space.filesystem.present) {
    const { total, available } = space.filesystem.value;
    const share = space.bytes / Math.max(1, total);
    const almostFull = available < total * 0.1;
    if (almostFull && (share >= 0.1 || space.bytes >= available)) return 'critical';
    if (share >= 0.1 || (almostFull && share >= 0.01)) return 'warning';
  }
  const each = space.files.map(severityOfFile).filter(severity => severity !== undefined);
  return severities.find(severity => each.includes(severity));
}

function severityOfFile({ file, kind, stillWritten }: HeldFile): Severity | undefined {
  if (kind === 'log') return stillWritten && file.allocated >= modest ? 'warning' : 'notice';
  // O_TMPFILE says that this is how it is meant to be.
  if (file.madeUnnamed) return undefined;
  return file.allocated >= modest ? 'notice' : undefined;
}
