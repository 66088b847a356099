import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Bytes, bytes, parseCount } from '../units.ts';

/** A segment of shmget(2), a row of /proc/sysvipc/shm. Sizes in bytes in the file. */
export interface SharedMemorySegment {
  /** As ftok(3) made it; 0 is IPC_PRIVATE. Signed in the file. */
  readonly key: number;
  readonly id: number;
  readonly size: Bytes;
  readonly resident: Bytes;
  readonly swapped: Bytes;
  /** Attachments; 0 with a resident size is memory that nobody uses. */
  readonly attached: number;
  readonly creator: number;
  readonly uid: number;
}

/** By the names of the header line, so that a new column does no harm. */
export function parseSysvShm(text: string): readonly SharedMemorySegment[] | undefined {
  const [header, ...rows] = text.split('\n').filter(line => line.trim() !== '');
  const names = (header ?? '').trim().split(/ +/);
  if (!names.includes('shmid') || !names.includes('size')) return undefined;
  const segments: SharedMemorySegment[] = [];
  for (const row of rows) {
    const values = row.trim().split(/ +/);
    const column = (name: string): string | undefined => values[names.indexOf(name)];
    const count = (name: string): number | undefined => parseCount(column(name));
    const key = column('key');
    const id = count('shmid');
    const size = count('size');
    const attached = count('nattch');
    if (key === undefined || !/^-?\d{1,10}$/.test(key)) continue;
    if (id === undefined || size === undefined || attached === undefined) continue;
    segments.push({
      key: Number(key),
      id,
      size: bytes(size),
      resident: bytes(count('rss') ?? 0),
      swapped: bytes(count('swap') ?? 0),
      attached,
      creator: count('cpid') ?? 0,
      uid: count('uid') ?? 0,
    });
  }
  return segments;
}

/** Of the *reader's* ipc namespace: the file shows no other, whichever /proc it is opened in. */
export const readSysvShm = (files: KernelFiles): Reading<readonly SharedMemorySegment[]> =>
  readParsed(files, '/proc/sysvipc/shm', parseSysvShm);
