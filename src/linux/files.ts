import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { absentFromError, flatMapReading, parsed, present, type Reading } from './reading.ts';
import { type Bytes, bytes } from './units.ts';

/**
 * The only door to /proc, /sys, /dev and the engines' state files. Everything above takes one of these, so a
 * test hands it a stored tree, and `root` moves all of them at once.
 */
export interface KernelFiles {
  readonly root: string;
  /** The whole file as text. Never trusts `stat` for the size: kernel files say 0. */
  read(path: string, form?: FileForm): Reading<string>;
  /**
   * All records of a log device that gives one per read(2), one after the other, without waiting for more. A
   * stored tree has the same text in an ordinary file.
   */
  log(path: string): Reading<string>;
  /** Names in a directory, unsorted. */
  list(path: string): Reading<readonly string[]>;
  /** Names of the directories in a directory, unsorted; links to some are none. */
  directories(path: string): Reading<readonly string[]>;
  /** What a symbolic link says, unresolved: `net:[4026531840]`, `/var/log/x (deleted)`. */
  link(path: string): Reading<string>;
  /** Follows links, as namespaces and open descriptors need. */
  status(path: string): Reading<FileStatus>;
  /** statfs(2): the file system that `path` is on, also through an open descriptor's link. */
  fileSystem(path: string): Reading<FileSystemStatus>;
}

/**
 * `one-record`: what the kernel writes in one go (single_open() of fs/seq_file.c, sysctls), so that a read with room
 * left has all of it. Of other files a short read says nothing, and one more has to find the end.
 */
export type FileForm = 'one-record' | 'unknown';

/** The part of stat(2) that verdicts use. */
export interface FileStatus {
  readonly inode: number;
  readonly device: number;
  readonly links: number;
  /** Bytes; apparent size. */
  readonly size: number;
  /** 512-byte units really allocated. */
  readonly blocks: number;
  readonly mode: number;
  /** Which device a device node stands for, as st_rdev encodes it; 0 for other files. */
  readonly represents: number;
  readonly uid: number;
  readonly gid: number;
  /** Last change of the contents, in milliseconds since 1970. */
  readonly modified: number;
}

export interface FileSystemStatus {
  /** The magic number of linux/magic.h: 0xef53 is ext4, 0x01021994 tmpfs. */
  readonly magic: number;
  readonly total: Bytes;
  /** For those who are not root: without the blocks that are kept back for it. */
  readonly available: Bytes;
  readonly files: number;
  readonly freeFiles: number;
}

const chunkSize = 64 * 1024;
const maxSize = 64 * 1024 * 1024;
const chunk = Buffer.alloc(chunkSize);

/** Reads a descriptor from the start to its end, at most 64 MiB. */
export function readDescriptor(descriptor: number, form: FileForm = 'unknown'): string {
  const firstLength = readSync(descriptor, chunk, 0, chunkSize, 0);
  if (firstLength < chunkSize) {
    if (form === 'one-record') return chunk.toString('utf8', 0, firstLength);
    // A seq_file may return short reads before its end; only 0 means the end.
    const moreLength =
      firstLength === 0 ? 0 : readSync(descriptor, chunk, firstLength, chunkSize - firstLength, firstLength);
    if (moreLength === 0) return chunk.toString('utf8', 0, firstLength);
    return readRest(descriptor, [Buffer.from(chunk.subarray(0, firstLength + moreLength))]);
  }
  return readRest(descriptor, [Buffer.from(chunk)]);
}

function readRest(descriptor: number, parts: Buffer[]): string {
  let position = parts.reduce((sum, part) => sum + part.length, 0);
  while (position < maxSize) {
    const length = readSync(descriptor, chunk, 0, chunkSize, position);
    if (length === 0) break;
    parts.push(Buffer.from(chunk.subarray(0, length)));
    position += length;
  }
  return Buffer.concat(parts).toString('utf8');
}

function readRecords(descriptor: number): string {
  const records: string[] = [];
  for (;;) {
    try {
      const length = readSync(descriptor, chunk, 0, chunkSize, null);
      if (length === 0) return records.join('');
      records.push(chunk.toString('utf8', 0, length));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') return records.join('');
      // The ring overtook us: the next read goes on with the oldest record that is left.
      if (code !== 'EPIPE') throw error;
    }
  }
}

/** O_NONBLOCK: a FIFO planted in a container must not hang us. */
function withDescriptor<T>(path: string, use: (descriptor: number) => T): T {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function openKernelFiles(root = '/'): KernelFiles {
  const at = (path: string): string => (root === '/' ? path : join(root, path));
  const attempt = <T>(path: string, action: (real: string) => T): Reading<T> => {
    try {
      return present(action(at(path)));
    } catch (error) {
      return absentFromError(path, error);
    }
  };
  return {
    root,
    read: (path, form) =>
      attempt(path, real => withDescriptor(real, descriptor => readDescriptor(descriptor, form))),
    log: path => attempt(path, real => withDescriptor(real, readRecords)),
    list: path => attempt(path, real => readdirSync(real)),
    directories: path =>
      attempt(path, real =>
        readdirSync(real, { withFileTypes: true }).flatMap(entry =>
          entry.isDirectory() ? [entry.name] : [],
        ),
      ),
    link: path => attempt(path, real => readlinkSync(real)),
    status: path =>
      attempt(path, real => {
        const { ino, dev, nlink, size, blocks, mode, rdev, uid, gid, mtimeMs } = statSync(real);
        const owner = { uid, gid };
        return {
          inode: ino,
          device: dev,
          links: nlink,
          size,
          blocks,
          mode,
          represents: rdev,
          ...owner,
          modified: mtimeMs,
        };
      }),
    fileSystem: path =>
      attempt(path, real => {
        const { type, bsize, blocks, bavail, files, ffree } = statfsSync(real);
        return {
          magic: type,
          total: bytes(blocks * bsize),
          available: bytes(bavail * bsize),
          files,
          freeFiles: ffree,
        };
      }),
  };
}

/** Reads a file and parses it whole; a parser's undefined becomes an absent Reading that names the file. */
export const readParsed = <T>(
  files: KernelFiles,
  path: string,
  parse: (text: string) => T | undefined,
  form?: FileForm,
): Reading<T> => flatMapReading(files.read(path, form), text => parsed(path, parse(text)));
