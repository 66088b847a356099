import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';

export type FileOperation = 'read' | 'write' | 'sync';

export interface FilesResult extends TraceResult {
  /** By file and operation, the most time first; 500 at most. */
  readonly files: readonly FileRow[];
  /** How long single operations took, in microseconds. */
  readonly times: Readonly<Record<FileOperation, Histogram>>;
}

export interface FileRow {
  /**
   * As the container names it; from the file system's root where no mount of the container fits; null when the file was
   * closed before it could be named. Begins with … when it lies deeper than 8 directories.
   */
  readonly path: string | null;
  /** `8:1`, as in /proc/<pid>/mountinfo. */
  readonly device: string;
  readonly inode: number;
  readonly operation: FileOperation;
  readonly count: number;
  /** Read or written; 0 for a sync. */
  readonly bytes: number;
  readonly us: number;
  readonly longestUs: number;
}
