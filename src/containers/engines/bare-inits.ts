import type { KernelFiles } from '../../linux/files.ts';
import { initialPidNamespace, type NamespaceKind, readNamespace } from '../../linux/namespaces.ts';
import { type Mount, readMountinfo } from '../../linux/proc/mountinfo.ts';
import { listRoot, readRootStatus } from '../../linux/proc/root.ts';
import { readNamespacePids } from '../../linux/proc/status.ts';
import { orElse } from '../../linux/reading.ts';
import { isRemote } from '../../linux/unanswering.ts';
import { type HostPid, hostPid, type NamespaceId } from '../../linux/units.ts';
import { readHint } from '../engine-hint.ts';
import type { ProcessScan, ScannedProcess } from '../scan.ts';

/** PID 1 of each container that the namespaces show; docs/design/004-bare-containers.md says what counts as one. */
export function findInits(files: KernelFiles, scan: ProcessScan): readonly HostPid[] {
  const inside = scan.processes.filter(({ pidNamespace }) => pidNamespace !== scan.host.pid);
  const outside = scan.processes.filter(({ pidNamespace }) => pidNamespace === scan.host.pid);
  const initsInside = groupBy(inside, ({ pidNamespace }) => pidNamespace).flatMap(members =>
    initsOfPidNamespace(files, members),
  );
  const homes = new Map(initsInside.map(process => [process.mountNamespace, process.pidNamespace]));
  const isHome = (process: ScannedProcess): boolean =>
    process.mountNamespace === scan.host.mnt || homes.has(process.mountNamespace);
  const ofServices = groupBy(
    outside.filter(process => !isHome(process)),
    ({ mountNamespace }) => mountNamespace,
  ).flatMap(([oldest]) => oldest ?? []);
  return [
    // Seen from inside a container, that one is the host to all others.
    ...(scan.host.pid === initialPidNamespace ? [] : [hostPid(1)]),
    ...initsInside.filter(process => !isJail(files, scan, initsInside, process)).map(({ pid }) => pid),
    ...ofServices.filter(process => hasOwnRoot(files, scan, process)).map(({ pid }) => pid),
  ];
}

/**
 * Usually one, the process that is PID 1 in there. Containers of a pod may share one pid namespace: those that an
 * engine gave a mount namespace and a cgroup of their own count for themselves, by their oldest process.
 */
function initsOfPidNamespace(
  files: KernelFiles,
  members: readonly ScannedProcess[],
): readonly ScannedProcess[] {
  const init = members.find(({ pid }) => depthOf(files, pid, 'init') > 0) ?? members[0];
  // With its init a pid namespace ends; what is left of it waits for a parent outside to take note.
  if (init === undefined || init.mountNamespace === null) return [];
  const withMounts = members.filter(({ mountNamespace }) => mountNamespace !== null);
  const parts = groupBy(withMounts, ({ mountNamespace }) => mountNamespace);
  if (parts.length < 2) return [init];
  const inits = new Map([[readHint(files, init.pid)?.id, init]]);
  for (const [oldest] of parts) {
    const id = oldest === undefined ? undefined : readHint(files, oldest.pid)?.id;
    if (oldest !== undefined && id !== undefined && !inits.has(id)) inits.set(id, oldest);
  }
  return [...inits.values()];
}

/** How many pid namespaces deep a process lives; 0 when it is gone, or is not the init of its own that is asked for. */
export function depthOf(files: KernelFiles, pid: HostPid, only?: 'init'): number {
  const pids = orElse(readNamespacePids(files, pid), []);
  return only === 'init' && pids.at(-1) !== 1 ? 0 : pids.length;
}

/** A browser's sandbox: a pid namespace of its own over mounts of those outside, with nothing under its root. */
function isJail(
  files: KernelFiles,
  scan: ProcessScan,
  inits: readonly ScannedProcess[],
  { mountNamespace, pidNamespace, pid }: ScannedProcess,
): boolean {
  const isBorrowed =
    mountNamespace === scan.host.mnt ||
    inits.some(other => other.mountNamespace === mountNamespace && other.pidNamespace !== pidNamespace);
  if (!isBorrowed) return false;
  const mount = rootMount(files, pid);
  if (mount !== undefined && isRemote(mount)) return false;
  const root = listRoot(files, pid);
  return root.present ? root.value.length === 0 : root.because === 'vanished';
}

/** Namespaces that a service manager or `ip netns exec` rarely takes together, and an engine nearly always. */
const tellingKinds = ['cgroup', 'ipc', 'net', 'uts'] as const satisfies readonly NamespaceKind[];

/** Whether a process that shares the host's pids, but not its mounts, is in a container all the same. */
function hasOwnRoot(files: KernelFiles, { host }: ProcessScan, { pid }: ScannedProcess): boolean {
  if (readHint(files, pid) !== undefined) return true;
  const differing = tellingKinds.filter(kind => {
    const namespace = readNamespace(files, pid, kind);
    return namespace.present && namespace.value !== host[kind];
  });
  if (differing.length < 2) return false;
  const mount = rootMount(files, pid);
  if (mount !== undefined && isRemote(mount)) {
    const outside = rootMount(files, hostPid(1));
    return outside?.device !== mount.device || outside.root !== mount.root;
  }
  const its = readRootStatus(files, pid);
  const ofInit = readRootStatus(files, hostPid(1));
  const outer = ofInit.present ? ofInit : files.status('/');
  if (!its.present || !outer.present) return false;
  return its.value.device !== outer.value.device || its.value.inode !== outer.value.inode;
}

/** Where a server, for FUSE anybody's program, answers for the root of a process, it is not asked: it may never answer. */
const rootMount = (files: KernelFiles, pid: HostPid): Mount | undefined =>
  orElse(readMountinfo(files, pid), []).findLast(({ mountPoint }) => mountPoint === '/');

const groupBy = (
  processes: readonly ScannedProcess[],
  keyOf: (process: ScannedProcess) => NamespaceId | null,
): readonly (readonly ScannedProcess[])[] => [...Map.groupBy(processes, keyOf).values()];
