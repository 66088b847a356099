import { orElse, type Reading } from '../../../linux/reading.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { ProcessFacts, UnlinkedFile } from '../../../observe/observation.ts';

/** One unlinked inode, however many descriptors keep it. */
export interface HeldFile {
  /** The descriptor to mend it by: that of the process that lives longest. */
  readonly file: UnlinkedFile;
  readonly holders: readonly UnlinkedFile[];
  readonly kind: 'log' | 'scratch' | 'other';
  readonly stillWritten: boolean;
}

/** All that one file system misses. */
export interface HeldSpace {
  readonly files: readonly HeldFile[];
  readonly bytes: Bytes;
  readonly filesystem: UnlinkedFile['filesystem'];
}

/** Contents that changed this shortly before the look are still being written. */
const recentMs = 10_000;

export function heldFiles(
  unlinked: readonly UnlinkedFile[],
  processes: Reading<readonly ProcessFacts[]>,
  observedAt: string,
): readonly HeldFile[] {
  const started = new Map(orElse(processes, []).map(({ pid, startTime }) => [pid, startTime]));
  const age = ({ pid }: UnlinkedFile): number => started.get(pid) ?? Number.MAX_SAFE_INTEGER;
  const byInode = Map.groupBy(unlinked, ({ device, inode }) => `${device} ${inode}`);
  return [...byInode.values()].flatMap(group => {
    const holders = group.toSorted(
      (a, b) => Number(b.openForWriting) - Number(a.openForWriting) || age(a) - age(b) || a.pid - b.pid,
    );
    const [file] = holders;
    if (file === undefined) return [];
    const stillWritten =
      file.openForWriting && Date.parse(observedAt) - Date.parse(file.modifiedAt) <= recentMs;
    return [{ file, holders, kind: kindOf(holders), stillWritten }];
  });
}

/**
 * Told by how it was opened, never by its name. Scratch space is unlinked on purpose and is read back, so it is
 * open for reading; what is only written can never be read by anybody again, and what is appended to is a log.
 */
function kindOf(holders: readonly UnlinkedFile[]): HeldFile['kind'] {
  if (holders.some(holder => holder.madeUnnamed)) return 'scratch';
  if (holders.some(holder => holder.openForWriting && holder.appendOnly)) return 'log';
  const writable = holders.some(holder => holder.openForWriting);
  const readable = holders.some(holder => holder.openForReading);
  if (writable && !readable) return 'log';
  return writable ? 'scratch' : 'other';
}

/** By file system, the largest sum first. */
export function heldSpaces(files: readonly HeldFile[]): readonly HeldSpace[] {
  return [...Map.groupBy(files, ({ file }) => file.device).values()]
    .flatMap(group => {
      const known = group.find(({ file }) => file.filesystem.present) ?? group[0];
      if (known === undefined) return [];
      return [
        {
          files: group.toSorted((a, b) => b.file.allocated - a.file.allocated),
          bytes: bytes(group.reduce((sum, { file }) => sum + file.allocated, 0)),
          filesystem: known.file.filesystem,
        },
      ];
    })
    .toSorted((a, b) => b.bytes - a.bytes);
}
