import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelFiles } from '../files.ts';
import type { CodeMapping } from '../proc/maps.ts';
import { type Mount, readMountinfo } from '../proc/mountinfo.ts';
import { absent, absentFromError, flatMapReading, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import type { ReadAt } from './elf.ts';

/** O_NONBLOCK: a FIFO planted in a container must not hang us; O_NOFOLLOW: nor a link lead us out of it. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY;

/** Answered by a program that whoever is inside may have written: it can let us wait for ever. */
const isAnsweredByProgram = ({ type }: Mount): boolean =>
  /^(?:fuse|9p|nfs|cifs|smb|ceph|virtiofs)/.test(type);

/**
 * Runs `use` on a file that a process has mapped, through /proc/<pid>/map_files (needs CAP_SYS_ADMIN or
 * CAP_CHECKPOINT_RESTORE): that is the very file, whatever its name leads to by now. File systems that are answered
 * by a program, and those that no mount table names, are not touched.
 */
export function withMappedFile<T>(
  files: KernelFiles,
  pid: HostPid,
  mapping: CodeMapping,
  use: (readAt: ReadAt) => T,
): Reading<T> {
  const path = `/proc/${pid}/map_files/${mapping.range}`;
  if (!isTrustworthyDevice(files, pid, mapping.device))
    return absent(path, 'not-permitted', 'its file system may be answered by a program of the container');
  // The entry itself is a link, and meant to be followed.
  return withFile(
    join(files.root, path),
    constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    path,
    use,
  );
}

function isTrustworthyDevice(files: KernelFiles, pid: HostPid, device: string): boolean {
  const [major = '', minor = ''] = device.split(':').map(part => Number.parseInt(part, 16));
  // A file system on a block device, which overlayfs before 6.8 shows in place of its own.
  if (major !== 0) return true;
  const named = [pid, 'self' as const].flatMap(process => {
    const mounts = readMountinfo(files, process);
    return mounts.present ? mounts.value.filter(mount => mount.device === `${major}:${minor}`) : [];
  });
  return named.length > 0 && !named.some(isAnsweredByProgram);
}

/** Larger ones are of the size of nothing that a compiler writes: they are left alone. */
const largestText = 256 * 1024 * 1024;

/**
 * The text of a file in a directory directly below the root of a process, `tmp` and `perf-1.map`: no link on the way is
 * followed, and only an ordinary file is read.
 */
export function readFileBelowRoot(
  files: KernelFiles,
  pid: HostPid,
  directory: string,
  name: string,
): Reading<string> {
  const path = `/proc/${pid}/root/${directory}/${name}`;
  const mounts = readMountinfo(files, pid);
  if (
    mounts.present &&
    mounts.value.some(mount => isOnTheWay(mount, directory) && isAnsweredByProgram(mount))
  )
    return absent(path, 'not-permitted', 'its file system may be answered by a program of the container');
  return withDirectory(join(files.root, `/proc/${pid}/root/`), 0, path, root =>
    withDirectory(`/proc/self/fd/${root}/${directory}`, constants.O_NOFOLLOW, path, parent =>
      withFile(`/proc/self/fd/${parent}/${name}`, flags, path, (readAt, size) => {
        if (size > largestText) return '';
        return readAt(0, size)?.toString('utf8') ?? '';
      }),
    ),
  );
}

const isOnTheWay = ({ mountPoint }: Mount, directory: string): boolean =>
  mountPoint === '/' || mountPoint === `/${directory}` || mountPoint.startsWith(`/${directory}/`);

function withDirectory<T>(
  real: string,
  more: number,
  path: string,
  use: (descriptor: number) => Reading<T>,
): Reading<T> {
  return flatMapReading(
    opened(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK | more, path),
    descriptor => {
      try {
        return use(descriptor);
      } finally {
        closeSync(descriptor);
      }
    },
  );
}

function withFile<T>(
  real: string,
  how: number,
  path: string,
  use: (readAt: ReadAt, size: number) => T,
): Reading<T> {
  return flatMapReading(opened(real, how, path), descriptor => {
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile())
        return absent(path, 'unreadable', 'it is not an ordinary file; it was left alone');
      return present(
        use((position, length) => readExactly(descriptor, status.size, position, length), status.size),
      );
    } catch (error) {
      return absentFromError(path, error);
    } finally {
      closeSync(descriptor);
    }
  });
}

function opened(real: string, how: number, path: string): Reading<number> {
  try {
    return present(openSync(real, how));
  } catch (error) {
    return absentFromError(path, error);
  }
}

/** Nothing is allocated for what the file does not have. */
function readExactly(descriptor: number, size: number, position: number, length: number): Buffer | undefined {
  if (position < 0 || length < 0 || position + length > size) return undefined;
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, length - done, position + done);
    if (count === 0) return undefined;
    done += count;
  }
  return bytes;
}
