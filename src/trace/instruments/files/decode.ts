import type { Mount } from '../../../linux/proc/mountinfo.ts';
import { syscallNumber } from '../../../linux/syscalls/names.ts';
import { textFrom } from '../../ebpf.ts';
import { decodeAmount, decodeTotal } from '../../total.ts';
import type { FileOperation, FileRow } from './result.ts';

export const operations: readonly FileOperation[] = ['read', 'write', 'sync'];

/** The calls whose first argument is the descriptor of the file, by what they do. */
const callsOf: Readonly<Record<FileOperation, readonly string[]>> = {
  read: ['read', 'pread64', 'readv', 'preadv', 'preadv2', 'getdents64'],
  write: ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'fallocate', 'ftruncate'],
  sync: ['fsync', 'fdatasync', 'sync_file_range', 'syncfs'],
};
const callsAtMost = 512;

/** `settings.operations` of files.bpf.c: what each system call of this architecture does. */
export function encodeOperations(): Buffer {
  const bytes = Buffer.alloc(callsAtMost);
  for (const [index, operation] of operations.entries())
    for (const name of callsOf[operation]) {
      const number = syscallNumber(name);
      if (number !== undefined && number < callsAtMost) bytes[number] = index + 1;
    }
  return bytes;
}

const keyOf = (inode: bigint, device: number): string => `${device} ${inode}`;
const partRoom = 64;
const partsAtMost = 8;

/** The kernel's own dev_t (include/linux/kdev_t.h): 12 bits of major, 20 of minor. */
const sayDevice = (device: number): string => `${device >>> 20}:${device & 0xfffff}`;

/** `struct name_event`: which file, and its path from the file system's root, without a slash before it when cut. */
export function decodeName(bytes: Buffer): { readonly key: string; readonly path: string } {
  const count = Math.min(bytes.readUInt32LE(12), partsAtMost);
  const parts = Array.from({ length: count }, (_, part) => textFrom(bytes, 16 + part * partRoom, partRoom));
  return {
    key: keyOf(bytes.readBigUInt64LE(0), bytes.readUInt32LE(8)),
    path: `${count === partsAtMost ? '…' : ''}/${parts.reverse().join('/')}`,
  };
}

/** `struct which` and `struct total`. */
export function decodeFile(
  [key, value]: readonly [Buffer, Buffer],
  paths: ReadonlyMap<string, string>,
  mounts: readonly Mount[],
): FileRow {
  const inode = key.readBigUInt64LE(0);
  const device = key.readUInt32LE(8);
  const path = paths.get(keyOf(inode, device));
  const { us, count, longestUs } = decodeTotal(value);
  return {
    path: path === undefined ? null : inContainer(path, sayDevice(device), mounts),
    device: sayDevice(device),
    inode: Number(inode),
    operation: operations[key.readUInt32LE(12) - 1] ?? 'read',
    count,
    bytes: decodeAmount(value),
    us,
    longestUs,
  };
}

/** Of the mounts of that file system the one whose root is the longest beginning of the path. */
export function inContainer(path: string, device: string, mounts: readonly Mount[]): string {
  const fitting = mounts
    .filter(mount => mount.device === device && isBelow(path, mount.root))
    .toSorted((one, other) => other.root.length - one.root.length)[0];
  if (fitting === undefined || path.startsWith('…')) return path;
  const rest = fitting.root === '/' ? path : path.slice(fitting.root.length);
  return fitting.mountPoint === '/' ? rest || '/' : `${fitting.mountPoint}${rest === '/' ? '' : rest}`;
}

const isBelow = (path: string, root: string): boolean =>
  root === '/' || path === root || path.startsWith(`${root}/`);
