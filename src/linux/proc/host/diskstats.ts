import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { type Bytes, bytes, type Microseconds, microseconds, parseCount } from '../../units.ts';

/**
 * /proc/diskstats (Documentation/admin-guide/iostats.rst): one line for each block device and partition,
 * `7 0 loop0 441 1 5500 49 742 292 180522 634 0 484 1054 …`. Sectors are 512 bytes, times milliseconds. What is
 * counted here was completed by the device: requests that blk-throttle holds back are not yet in it.
 */
export interface DiskCounters {
  readonly reads: number;
  readonly readBytes: Bytes;
  readonly writes: number;
  readonly writtenBytes: Bytes;
  /** Requests that the device has now; no counter. */
  readonly inFlight: number;
  /** Time with at least one request in flight. */
  readonly busy: Microseconds;
  /** The same times the number of requests in flight: divided by the time it is the length of the queue. */
  readonly queued: Microseconds;
}

export interface DiskStat extends DiskCounters {
  /** `7:0` */
  readonly device: string;
  /** `loop0` */
  readonly name: string;
}

const sector = 512;

function parseLine(line: string): DiskStat | undefined {
  const [major, minor, name, ...columns] = line.trim().split(/\s+/);
  const counts = columns.map(parseCount);
  const [reads, , sectorsRead, , writes, , sectorsWritten, , inFlight, busy, queued] = counts;
  if (parseCount(major) === undefined || parseCount(minor) === undefined || name === undefined)
    return undefined;
  if (reads === undefined || sectorsRead === undefined || writes === undefined) return undefined;
  if (sectorsWritten === undefined || inFlight === undefined || busy === undefined) return undefined;
  if (queued === undefined) return undefined;
  return {
    device: `${major}:${minor}`,
    name,
    reads,
    readBytes: bytes(sectorsRead * sector),
    writes,
    writtenBytes: bytes(sectorsWritten * sector),
    inFlight,
    busy: microseconds(busy * 1000),
    queued: microseconds(queued * 1000),
  };
}

/** Undefined when no line is a device; a host without any has an empty file. */
export function parseDiskstats(text: string): readonly DiskStat[] | undefined {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const disks = lines.map(parseLine).filter(disk => disk !== undefined);
  return lines.length > 0 && disks.length === 0 ? undefined : disks;
}

export const readDiskstats = (files: KernelFiles): Reading<readonly DiskStat[]> =>
  readParsed(files, '/proc/diskstats', parseDiskstats);
