import { unlinkedOn } from '../../../diagnose/file-system.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import type { ProcessFacts, UnlinkedFile } from '../../../observe/observation.ts';

/** What one container has on one file system, with or without a name. */
export interface Holding {
  readonly bytes: Bytes;
  readonly complete: boolean;
  readonly deletedEvidence: readonly Evidence[];
  /** Bytes per second that its processes wrote to storage, while the file system got fuller; else 0. */
  readonly growth: number;
}

interface HoldingFacts {
  readonly unlinkedFiles: Reading<readonly UnlinkedFile[]>;
  readonly processes: Reading<readonly ProcessFacts[]>;
  readonly windowMs: number;
}

export function holdingOf(
  fileSystem: FileSystemFacts,
  use: DiskUse,
  { unlinkedFiles, processes, windowMs }: HoldingFacts,
): Holding {
  const deleted = unlinkedOn(orElse(unlinkedFiles, []), [fileSystem]);
  const unnamed = deleted.reduce((sum, { allocated }) => sum + allocated, 0);
  const [first] = deleted;
  return {
    bytes: bytes(use.parts.reduce((sum, part) => sum + part.bytes, unnamed)),
    complete: use.parts.every(part => part.complete),
    deletedEvidence:
      first === undefined
        ? []
        : [
            {
              claim: 'Deleted, but still open',
              source: `/proc/${first.pid}/fd/${first.descriptor}`,
              observed: `${unnamed} bytes`,
            },
          ],
    growth: growthOf(fileSystem, orElse(processes, []), windowMs),
  };
}

function growthOf(
  { first, last }: FileSystemFacts,
  processes: readonly ProcessFacts[],
  windowMs: number,
): number {
  const written = processes.reduce(
    (sum, { io }) =>
      io === undefined
        ? sum
        : sum + io.last.written - io.first.written - (io.last.cancelled - io.first.cancelled),
    0,
  );
  const taken = first === undefined ? 0 : first.free - last.free;
  return Math.round(Math.max(0, Math.min(written, taken)) / Math.max(0.001, windowMs / 1000));
}
