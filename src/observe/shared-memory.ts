import type { Container } from '../containers/container.ts';
import type { FileStatus, KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { eachDescriptor, readDescriptorStatus, withoutDeletedMark } from '../linux/proc/fd.ts';
import { readMappingStatus, readNamelessMappings } from '../linux/proc/maps.ts';
import { type Mount, readMountinfo } from '../linux/proc/mountinfo.ts';
import { readSysvShm } from '../linux/proc/sysvipc-shm.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import { manyInodes, readTmpfs } from '../linux/tmpfs.ts';
import { type Bytes, bytes, type HostPid, hostPid } from '../linux/units.ts';
import type { SharedFile, SharedMemoryFacts } from './observation.ts';

/** Below it nothing is looked for: a quiet container costs no system call at all. */
const notable = bytes(2 ** 20);
/** Kernel memory from which on the number of files on tmpfs is looked at, whatever they hold. */
const notableKernel = bytes(8 * 2 ** 20);
/** For the descriptors and mappings of all its processes together. */
const processMilliseconds = 150;

/**
 * What the shared memory of a container is: files on its tmpfs mounts, System V segments, and files that only a
 * descriptor or a mapping keeps. `charged` is `shmem` of its memory.stat, the gate: walks happen only in
 * containers that hold enough of it to matter. When it could not be read, all is looked at. `kernel` is the kernel
 * memory charged: files hold it by their number, also while they are empty.
 */
export function readSharedMemory(
  files: KernelFiles,
  container: Container,
  pids: readonly HostPid[],
  charged?: Reading<Bytes>,
  kernel?: Reading<Bytes>,
): Reading<SharedMemoryFacts> {
  const { init } = container;
  if (init === null) {
    return absent(`shared memory of ${container.name}`, 'vanished', 'it has exited; look while it runs');
  }
  if (charged?.present && charged.value < notable) {
    const quiet = absent(
      '/proc/sysvipc/shm',
      'disabled',
      'less than 1 MiB of shared memory is charged to it',
    );
    if (kernel?.present !== true || kernel.value < notableKernel)
      return present({ mounts: [], segments: quiet, unlinked: [] });
    return mapReading(readMountinfo(files, init), all => ({
      mounts: readMounts(files, init, tmpfsMounts(all)),
      segments: quiet,
      unlinked: [],
    }));
  }
  return mapReading(readMountinfo(files, init), all => {
    const mounts = tmpfsMounts(all);
    return {
      mounts: readMounts(files, init, mounts),
      segments: readSegments(files, init),
      unlinked: findNameless(files, pids, mounts),
    };
  });
}

/** One mount for each tmpfs, the one that shows most of it. devtmpfs is the host's and holds nodes only. */
function tmpfsMounts(mounts: readonly Mount[]): readonly Mount[] {
  const byDevice = new Map<string, Mount>();
  for (const mount of mounts) {
    if (mount.type !== 'tmpfs') continue;
    const known = byDevice.get(mount.device);
    if (known === undefined || mount.root.length < known.root.length) byDevice.set(mount.device, mount);
  }
  return [...byDevice.values()];
}

function readMounts(
  files: KernelFiles,
  init: HostPid,
  mounts: readonly Mount[],
): SharedMemoryFacts['mounts'] {
  const root = `${files.root === '/' ? '' : files.root}/proc/${init}/root`;
  const held: SharedMemoryFacts['mounts'][number][] = [];
  for (const { mountPoint, device } of mounts) {
    const contents = readTmpfs(root, mountPoint, device, notable);
    if (!contents.present) continue;
    const { used, inodes = 0 } = contents.value;
    if (used > 0 || inodes >= manyInodes) held.push({ path: mountPoint, ...contents.value });
  }
  return held.sort((a, b) => b.used - a.used);
}

function readSegments(files: KernelFiles, init: HostPid): SharedMemoryFacts['segments'] {
  const theirs = readNamespace(files, init, 'ipc');
  const hosts = readNamespace(files, hostPid(1), 'ipc');
  if (!theirs.present) return theirs;
  if (hosts.present && hosts.value === theirs.value) {
    return absent(
      '/proc/sysvipc/shm',
      'disabled',
      "it shares the host's ipc namespace, whose segments belong to no container: ipcs -m on the host lists them",
    );
  }
  const segments = flatMapReading(
    inNamespace(files, init, 'ipc', () => readSysvShm(files)),
    inside => inside,
  );
  return mapReading(segments, rows =>
    rows.map(({ key, id, size, resident, attached }) => ({ key, id, size, resident, attached })),
  );
}

/** Each file once, however many descriptors and mappings it has; largest first. */
function findNameless(
  files: KernelFiles,
  pids: readonly HostPid[],
  mounts: readonly Mount[],
): readonly SharedFile[] {
  const deadline = performance.now() + processMilliseconds;
  const found = new Map<string, SharedFile>();
  const seen = new Set<string>();
  const note = (path: string, status: Reading<FileStatus>): void => {
    if (!status.present || status.value.links > 0 || status.value.blocks === 0) return;
    const { device, inode, blocks } = status.value;
    found.set(`${device} ${inode}`, { path: nameOf(path), size: bytes(blocks * 512) });
  };
  for (const pid of pids) {
    if (performance.now() > deadline) break;
    for (const { number, target } of eachDescriptor(files, pid)) {
      if (performance.now() > deadline) break;
      const path = withoutDeletedMark(target);
      if (path !== target && isInMemory(path, mounts)) note(path, readDescriptorStatus(files, pid, number));
    }
    const mappings = readNamelessMappings(files, pid);
    for (const mapping of mappings.present ? mappings.value : []) {
      const { path, device, inode } = mapping;
      const key = `${device} ${inode}`;
      if (seen.has(key) || !isInMemory(path, mounts)) continue;
      seen.add(key);
      note(path, readMappingStatus(files, pid, mapping));
    }
  }
  return [...found.values()].sort((a, b) => b.size - a.size).filter(({ size }) => size >= 64 * 1024);
}

/** System V segments appear in mappings too (`/SYSV…`); /proc/sysvipc/shm tells more about them. */
const isInMemory = (path: string, mounts: readonly Mount[]): boolean =>
  path.startsWith('/memfd:') ||
  path === '/dev/zero' ||
  mounts.some(({ mountPoint }) => path.startsWith(`${mountPoint === '/' ? '' : mountPoint}/`));

const nameOf = (path: string): string =>
  path === '/dev/zero' ? 'shared anonymous memory (/dev/zero)' : path;
