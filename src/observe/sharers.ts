import type { Container } from '../containers/container.ts';
import { deviceName } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { type Mount, readMountinfo } from '../linux/proc/mountinfo.ts';
import { listProcesses } from '../linux/proc/process.ts';
import { readStat } from '../linux/proc/stat.ts';
import { orElse } from '../linux/reading.ts';
import { type HostPid, hostPid } from '../linux/units.ts';

/** A mount namespace by the first of its processes. */
export interface Sharer {
  readonly pid: HostPid;
  /** Its name, as /proc/<pid>/stat has it. */
  readonly name: string;
  readonly mountPoint: string;
}

const mostNamespaces = 200;
const mostNamed = 8;

/** Who else may write to a file system, so that it is not one container's own. */
export function findSharers(
  files: KernelFiles,
  { init }: Container,
  device: string,
  hostMounts: readonly Mount[],
): readonly Sharer[] {
  const seen = new Set<number | undefined>();
  for (const pid of [init, hostPid(1)])
    if (pid !== null) seen.add(orElse(readNamespace(files, pid, 'mnt'), undefined));
  const uppers = new Map<string, string>();
  const sharers: Sharer[] = [];
  for (const pid of orElse(listProcesses(files), [])) {
    if (sharers.length >= mostNamed || seen.size > mostNamespaces) break;
    const namespace = orElse(readNamespace(files, pid, 'mnt'), undefined);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    const mounts = orElse(readMountinfo(files, pid), []);
    if (isHostsOwn(mounts, hostMounts)) continue;
    const mount = mounts.find(
      each => each.options.includes('rw') && storedOn(files, each, hostMounts, uppers) === device,
    );
    const stat = mount === undefined ? undefined : readStat(files, pid);
    if (mount !== undefined && stat?.present === true)
      sharers.push({ pid, name: stat.value.name, mountPoint: mount.mountPoint });
  }
  return sharers;
}

/** Services and kernel threads with a mount namespace of their own over the host's root: they are the host. */
function isHostsOwn(mounts: readonly Mount[], hostMounts: readonly Mount[]): boolean {
  const root = (all: readonly Mount[]): Mount | undefined =>
    all.findLast(({ mountPoint }) => mountPoint === '/');
  const [theirs, hosts] = [root(mounts), root(hostMounts)];
  return theirs !== undefined && theirs.device === hosts?.device && theirs.root === hosts.root;
}

/** Of an overlay that the host has mounted too, the file system of its upper directory. */
function storedOn(
  files: KernelFiles,
  { type, device }: Mount,
  hostMounts: readonly Mount[],
  known: Map<string, string>,
): string {
  if (type !== 'overlay') return device;
  const before = known.get(device);
  if (before !== undefined) return before;
  const upper = hostMounts
    .find(mount => mount.device === device)
    ?.superOptions.find(option => option.startsWith('upperdir='));
  const status = upper === undefined ? undefined : files.status(upper.slice('upperdir='.length));
  const found = status?.present === true ? deviceName(status.value.device) : device;
  known.set(device, found);
  return found;
}
