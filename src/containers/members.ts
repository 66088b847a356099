import { detectLayout, locate } from '../linux/cgroup/layout.ts';
import { type CgroupLayout, controllers } from '../linux/cgroup/model.ts';
import { readCgroupProcs } from '../linux/cgroup/procs.ts';
import { descendantsOf } from '../linux/cgroup/subtree.ts';
import type { KernelFiles } from '../linux/files.ts';
import { orElse, type Reading } from '../linux/reading.ts';
import type { HostPid, NamespaceId } from '../linux/units.ts';
import type { Container } from './container.ts';
import { readHint } from './engine-hint.ts';
import { type ProcessScan, type ScannedProcess, scanProcesses } from './scan.ts';

/**
 * The processes of each container, ascending. A process is in one container at most: the one whose pid namespace it
 * lives in, so a container inside a container has its own; else the one whose cgroup it is in. Works on any subset
 * of the containers that were discovered, and then leaves out the processes of the others.
 */
export function groupProcesses(
  files: KernelFiles,
  containers: readonly Container[],
  scan: Reading<ProcessScan> = scanProcesses(files),
): Map<string, readonly HostPid[]> {
  const groups = new Map<string, HostPid[]>(containers.map(({ id }) => [id, []]));
  if (!scan.present) return groups;
  const running = containers.filter(({ init }) => init !== null);
  const membership: Membership = {
    files,
    hostPidNamespace: scan.value.host.pid,
    byPidNamespace: Map.groupBy(running, ({ namespaces }) => namespaces.pid),
    byMountNamespace: new Map(running.map(container => [container.namespaces.mnt, container])),
    byCgroup: cgroupMembers(files, running, scan.value.host.pid),
  };
  for (const process of scan.value.processes) {
    const owner = ownerOf(membership, process);
    if (owner !== undefined) groups.get(owner.id)?.push(process.pid);
  }
  return groups;
}

interface Membership {
  readonly files: KernelFiles;
  readonly hostPidNamespace: NamespaceId | undefined;
  readonly byPidNamespace: ReadonlyMap<NamespaceId | undefined, readonly Container[]>;
  readonly byMountNamespace: ReadonlyMap<NamespaceId | undefined, Container>;
  readonly byCgroup: ReadonlyMap<HostPid, Container>;
}

function ownerOf(membership: Membership, process: ScannedProcess): Container | undefined {
  const { byPidNamespace, byMountNamespace, byCgroup, hostPidNamespace } = membership;
  const { pid, pidNamespace, mountNamespace } = process;
  const candidates = byPidNamespace.get(pidNamespace) ?? [];
  const bySameMounts = candidates.filter(({ namespaces }) => namespaces.mnt === mountNamespace);
  if (bySameMounts.length === 1) return bySameMounts[0];
  const byOwnCgroup = byCgroup.get(pid);
  if (pidNamespace === hostPidNamespace) return byOwnCgroup;
  // A browser's sandbox: a pid namespace that no container has, over the mounts of one that has.
  if (candidates.length === 0) return byMountNamespace.get(mountNamespace ?? undefined);
  return byOwnCgroup ?? ownerByHint(membership, candidates, pid);
}

/**
 * A process that shares the pids but not the mounts of the candidates: a service with private mounts inside one of
 * them, a zombie (which has no mounts), or a member of another container of the pod that nobody asked about.
 */
function ownerByHint(
  { files }: Membership,
  candidates: readonly Container[],
  pid: HostPid,
): Container | undefined {
  const hint = readHint(files, pid);
  return hint === undefined
    ? candidates[0]
    : candidates.find(({ id, engine }) => id === hint.id || engine === 'bare');
}

/**
 * Who is in the cgroups that engines made. A bare container may sit in its starter's cgroup, with strangers. Only
 * where the pid namespace is the host's do the cgroups below decide, and is it worth looking for them.
 */
function cgroupMembers(
  files: KernelFiles,
  containers: readonly Container[],
  hostPidNamespace: NamespaceId | undefined,
): ReadonlyMap<HostPid, Container> {
  const members = new Map<HostPid, Container>();
  const layout = orElse(detectLayout(files), { mode: 'none', hierarchies: [] } satisfies CgroupLayout);
  for (const container of containers) {
    const directory = container.engine === 'bare' ? undefined : ownDirectory(layout, container);
    if (directory === undefined) continue;
    const sharesPids = container.namespaces.pid === hostPidNamespace;
    const below = sharesPids ? orElse(descendantsOf(files, directory), []) : [];
    for (const each of [directory, ...below]) {
      for (const pid of orElse(readCgroupProcs(files, each), [])) members.set(pid, container);
    }
  }
  return members;
}

function ownDirectory(layout: CgroupLayout, { cgroups }: Container): string | undefined {
  // Not all hierarchies hold each container; memory's has few files to tell from directories below.
  for (const controller of ['memory', 'pids', ...controllers] as const) {
    const path = cgroups[controller];
    if (path === undefined || path === '/') continue;
    const directory = locate(layout, controller, path);
    if (directory.present) return directory.value;
  }
  return undefined;
}
