import type { FileStatus, KernelFiles } from '../linux/files.ts';
import {
  listDescriptors,
  opensForWriting,
  readDescriptorInfo,
  readDescriptorStatus,
  withoutDeletedMark,
} from '../linux/proc/fd.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import { absent, present, type Reading } from '../linux/reading.ts';
import { isRemote } from '../linux/unanswering.ts';
import { type Bytes, bytes, type HostPid, isoTime } from '../linux/units.ts';
import type { UnlinkedFile } from './observation.ts';

const deletedSuffix = ' (deleted)';
const smallest = 1024 * 1024;

/**
 * open(2) flags as fdinfo shows them, the same on x86 and arm64. O_TMPFILE includes O_DIRECTORY, whose value
 * differs between the two, so only the bit of its own counts (asm-generic/fcntl.h, __O_TMPFILE).
 */
const accessMode = 0o3;
const writeOnly = 0o1;
const openAppend = 0o2000;
const openUnnamed = 0o20000000;

/** Magic numbers of linux/magic.h whose "files" are memory: memfd, /dev/shm and SysV segments live on tmpfs. */
const inMemory: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6, 0x9584_58f6]);

/**
 * Descriptors that keep unlinked files of at least 1 MiB alive on a disk, largest first, one for each process
 * and file. `mounts` is the mountinfo of the container's init.
 *
 * A link that ends in ` (deleted)` is only a hint, because a file may carry such a name: `links` 0 decides.
 * Absent when the descriptors of some process were refused and nothing was found in the others.
 */
export function findUnlinkedFiles(
  files: KernelFiles,
  pids: readonly HostPid[],
  mounts: Reading<readonly Mount[]>,
): Reading<readonly UnlinkedFile[]> {
  const mountsById = new Map((mounts.present ? mounts.value : []).map(mount => [mount.id, mount]));
  const kept = new Map<string, UnlinkedFile>();
  let refusal: Reading<never> | undefined;
  for (const pid of pids) {
    const descriptors = listDescriptors(files, pid);
    if (!descriptors.present) {
      if (descriptors.because !== 'vanished') refusal ??= descriptors;
      continue;
    }
    for (const { number, target } of descriptors.value) {
      if (!target.endsWith(deletedSuffix)) continue;
      const file = inspect(files, pid, number, withoutDeletedMark(target), mountsById);
      if (file === undefined) continue;
      const key = `${pid} ${file.device} ${file.inode}`;
      const known = kept.get(key);
      kept.set(key, known === undefined ? file : merge(known, file));
    }
  }
  if (kept.size === 0 && refusal !== undefined) return refusal;
  return present([...kept.values()].sort((a, b) => b.allocated - a.allocated));
}

/** Of several descriptors of one process on one file the writing one is shown: it is the one to mend. */
function merge(known: UnlinkedFile, other: UnlinkedFile): UnlinkedFile {
  const shown = other.openForWriting && !known.openForWriting ? other : known;
  return { ...shown, openForReading: known.openForReading || other.openForReading };
}

function inspect(
  files: KernelFiles,
  pid: HostPid,
  descriptor: number,
  path: string,
  mountsById: ReadonlyMap<number, Mount>,
): UnlinkedFile | undefined {
  const info = readDescriptorInfo(files, pid, descriptor);
  if (!info.present) return undefined;
  const { flags, mountId } = info.value;
  const mount = mountId === null ? undefined : mountsById.get(mountId);
  if (mount !== undefined && isRemote(mount)) return undefined;

  const door = `/proc/${pid}/fd/${descriptor}`;
  const status = readDescriptorStatus(files, pid, descriptor);
  if (!status.present || !isUnlinkedData(status.value)) return undefined;
  const fileSystem = files.fileSystem(door);
  if (fileSystem.present && inMemory.has(fileSystem.value.magic)) return undefined;

  return {
    pid,
    descriptor,
    path,
    allocated: allocatedBytes(status.value),
    size: bytes(status.value.size),
    device: status.value.device,
    inode: status.value.inode,
    filesystem: describe(fileSystem, mount, door),
    openForWriting: opensForWriting(info.value),
    openForReading: (flags & accessMode) !== writeOnly,
    appendOnly: (flags & openAppend) !== 0,
    madeUnnamed: (flags & openUnnamed) !== 0,
    modifiedAt: isoTime(status.value.modified),
  };
}

const regularFile = 0o100000;
const typeMask = 0o170000;
const allocatedBytes = (status: FileStatus): Bytes => bytes(status.blocks * 512);

const isUnlinkedData = (status: FileStatus): boolean =>
  status.links === 0 && (status.mode & typeMask) === regularFile && allocatedBytes(status) >= smallest;

function describe(
  status: ReturnType<KernelFiles['fileSystem']>,
  mount: Mount | undefined,
  door: string,
): UnlinkedFile['filesystem'] {
  if (!status.present) return status;
  if (mount === undefined)
    return absent(
      `the mount of ${door}`,
      'unreadable',
      'it is not among the mounts of the container; compare mnt_id in fdinfo with /proc/1/mountinfo',
    );
  const { total, available } = status.value;
  return present({ type: mount.type, mountPoint: mount.mountPoint, total, available });
}
