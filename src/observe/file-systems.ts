import type { Container } from '../containers/container.ts';
import { deviceName, type Room, readRoomBelow } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import { orElse, type Reading } from '../linux/reading.ts';
import { type ProjectQuota, readProjectQuotaBelow } from '../linux/syscalls/project-quota.ts';
import type { HostPid } from '../linux/units.ts';

/** A file system on a disk that a container may write to, once however often it is mounted inside. */
export interface FileSystemFacts {
  /** Inside the container: of several mounts the one that shows most of it. */
  readonly mountPoint: string;
  readonly type: string;
  /** `major:minor` of st_dev. */
  readonly device: string;
  /** As mountinfo names it: `/dev/sda1`, `overlay`. */
  readonly source: string;
  /** Of the file system, as its mount on the host says; quotas show here (`prjquota`). */
  readonly superOptions: readonly string[];
  /** Of an overlay that the host has mounted too: the directory it writes to, and its st_dev. */
  readonly upper?: {
    readonly path: string;
    readonly device: string;
    /** What that directory is on, as the host has it mounted. */
    readonly on?: Pick<Mount, 'type' | 'source' | 'mountPoint' | 'superOptions'>;
  };
  /** The directory that is mounted here (of an overlay: the upper one) by its path on the host. */
  readonly hostPath?: string;
  /** Of that directory, where it belongs to a project and the kernel tells. */
  readonly quota?: ProjectQuota;
  /** At the beginning of the window; left out when it could not be read then. */
  readonly first?: Room;
  readonly last: Room;
  /** Of such an overlay: the directories below that one, the uppermost first. */
  readonly lower?: readonly string[];
}

/** Not asked for their room: memory, interfaces of the kernel, and servers that may never answer. */
const noDisk =
  /^(tmpfs|ramfs|devtmpfs|proc|sysfs|cgroup2?|devpts|mqueue|securityfs|debugfs|tracefs|bpf|pstore|hugetlbfs|binfmt_misc|nsfs|configfs|fusectl|efivarfs|rpc_pipefs|autofs|squashfs|iso9660|erofs)$/;
const remote = /^(nfs|nfs4|cifs|smb3|ceph|9p|afs|lustre|glusterfs|fuse(?!\.fuse-overlayfs).*)$/;

export interface FileSystemObserver {
  /** Twice; the first time is the beginning of the window. */
  sample(): void;
  finish(init: HostPid, withQuotas: boolean): readonly FileSystemFacts[];
}

interface Watched extends Omit<FileSystemFacts, 'first' | 'last' | 'quota'> {
  readonly init: HostPid;
}

/** `mounts` are those of each container's init, `onHost` those of pid 1. */
export function createFileSystemObserver(
  files: KernelFiles,
  containers: readonly Container[],
  mountsOf: (init: HostPid) => Reading<readonly Mount[]>,
  onHost: Reading<readonly Mount[]>,
): FileSystemObserver {
  const host = onHost.present ? onHost.value : [];
  const watched = containers.flatMap(({ init }): Watched[] => {
    if (init === null) return [];
    const mounts = mountsOf(init);
    return mounts.present
      ? writable(mounts.value).map(mount => ({ init, ...describe(files, mount, host) }))
      : [];
  });
  const first = new Map<Watched, Room>();
  const last = new Map<Watched, Room>();
  const before = files.root === '/' ? '' : files.root;
  return {
    sample() {
      for (const [key, room] of last) first.set(key, room);
      for (const each of watched) {
        const room = readRoomBelow(`${before}/proc/${each.init}/root`, each.mountPoint, each.device);
        if (room.present && room.value !== undefined) last.set(each, room.value);
        else last.delete(each);
      }
    },
    finish: (init, withQuotas) =>
      watched.flatMap(each => {
        const room = last.get(each);
        if (each.init !== init || room === undefined) return [];
        const { init: _, ...facts } = each;
        const earlier = first.get(each);
        const quota = withQuotas ? quotaOf(before, each) : undefined;
        return [
          {
            ...facts,
            ...(quota === undefined ? {} : { quota }),
            ...(earlier === undefined ? {} : { first: earlier }),
            last: room,
          },
        ];
      }),
  };
}

/** One mount for each file system: the one that shows most of it, and of equals the last, which covers the others. */
function writable(mounts: readonly Mount[]): readonly Mount[] {
  const byDevice = new Map<string, Mount>();
  for (const mount of mounts) {
    if (noDisk.test(mount.type) || remote.test(mount.type)) continue;
    if (!mount.options.includes('rw') || !mount.superOptions.includes('rw')) continue;
    const known = byDevice.get(mount.device);
    if (known === undefined || mount.root.length <= known.root.length) byDevice.set(mount.device, mount);
  }
  return [...byDevice.values()];
}

/**
 * An overlay's upper directory is a path of whoever mounted it. Only where the host itself has that very overlay
 * mounted is it a path of the host: a container may mount overlays of its own with any text there.
 */
function describe(
  files: KernelFiles,
  { mountPoint, root, type, device, source, superOptions }: Mount,
  host: readonly Mount[],
): Omit<FileSystemFacts, 'first' | 'last' | 'quota'> {
  const facts = { mountPoint, type, device, source, superOptions: type === 'overlay' ? [] : superOptions };
  const onHost = host.find(mount => mount.device === device);
  if (onHost === undefined) return facts;
  if (type !== 'overlay') {
    const path = pathOnHost(
      root,
      host.filter(mount => mount.device === device),
    );
    return { ...facts, ...(path === undefined ? {} : { hostPath: path }) };
  }
  const lower = lowerLayers(onHost.superOptions);
  const path = option(onHost.superOptions, 'upperdir');
  const status = path === undefined ? undefined : files.status(path);
  return {
    ...facts,
    ...(lower.length === 0 ? {} : { lower }),
    ...(path === undefined || status?.present !== true
      ? {}
      : { upper: upperOn(path, deviceName(status.value.device), host), hostPath: path }),
  };
}

function upperOn(
  path: string,
  device: string,
  host: readonly Mount[],
): NonNullable<FileSystemFacts['upper']> {
  const under = host.find(mount => mount.device === device);
  if (under === undefined) return { path, device };
  const { type, source, mountPoint, superOptions } = under;
  return { path, device, on: { type, source, mountPoint, superOptions } };
}

/** Where a directory of a file system is on the host: a mount there may show all of it or a part. */
function pathOnHost(root: string, mounts: readonly Mount[]): string | undefined {
  const shows = mounts.find(mount => isWithin(root, mount.root));
  if (shows === undefined) return undefined;
  const rest = root.slice(shows.root === '/' ? 0 : shows.root.length);
  return `${shows.mountPoint === '/' ? '' : shows.mountPoint}${rest === '/' ? '' : rest}` || '/';
}

/** Whether a path is that directory or below it. */
export const isWithin = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`);

/** Through the container's own mount, or of an overlay through the host's directory: never by a path that it could swap. */
const quotaOf = (before: string, { init, mountPoint, upper }: Watched): ProjectQuota | undefined =>
  orElse(
    upper === undefined
      ? readProjectQuotaBelow(`${before}/proc/${init}/root`, mountPoint)
      : readProjectQuotaBelow(`${before}/`, upper.path),
    undefined,
  );

/** `lowerdir=a:b`, a colon within a path as `\\:`; from 6.8 on also `lowerdir+=a`, once for each. Relative ones cannot be found. */
function lowerLayers(options: readonly string[]): readonly string[] {
  const joined = option(options, 'lowerdir');
  const listed = options.flatMap(each => (each.startsWith('lowerdir+=') ? [each.slice(10)] : []));
  const split = joined === undefined ? [] : joined.split(/(?<!\\):/).map(path => path.replaceAll('\\:', ':'));
  return [...split, ...listed].filter(path => path.startsWith('/'));
}

const option = (options: readonly string[], name: string): string | undefined =>
  options.find(each => each.startsWith(`${name}=`))?.slice(name.length + 1);
