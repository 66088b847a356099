import { detectLayout, hierarchyOf, locateIn } from '../linux/cgroup/layout.ts';
import type { Controller } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { childrenOf } from '../linux/cgroup/subtree.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { flatMapReading, orElse } from '../linux/reading.ts';
import { type CgroupPath, cgroupPath, hostPid } from '../linux/units.ts';

/** Names of cgroups by the numbers of their directories, learned from processes that are in them. */
export interface CgroupNames {
  /** A process that the kernel saw in that cgroup, or in one below it. */
  readonly learn: (id: bigint, process: number) => void;
  /** Undefined when the process or the cgroup was gone before it could be looked at. */
  readonly nameOf: (id: bigint) => CgroupPath | undefined;
  /** The one that a process or thread is in now. */
  readonly current: (process: number) => CgroupPath | undefined;
}

export function openCgroupNames(files: KernelFiles, controller: Controller): CgroupNames {
  const hierarchy = flatMapReading(detectLayout(files), layout => hierarchyOf(layout, controller));
  const names = new Map<bigint, CgroupPath>();

  const current = (process: number): CgroupPath | undefined => {
    const memberships = readProcCgroup(files, hostPid(process));
    if (!hierarchy.present || !memberships.present) return undefined;
    return memberships.value.find(({ controllers }) =>
      hierarchy.value.version === 'v2'
        ? controllers.length === 0
        : controllers.some(name => hierarchy.value.kernelControllers.includes(name)),
    )?.path;
  };

  const find = (id: bigint, process: number): CgroupPath | undefined => {
    const own = current(process);
    if (!hierarchy.present || own === undefined) return undefined;
    return [own, ...ancestorsOf(own)].find(path => {
      const directory = locateIn(hierarchy.value, path);
      const status = directory.present ? files.status(directory.value) : directory;
      return status.present && BigInt(status.value.inode) === id;
    });
  };

  return {
    current,
    learn: (id, process) => {
      if (id === 0n || names.has(id)) return;
      const path = find(id, process);
      if (path !== undefined) names.set(id, path);
    },
    // Of the root, tasks with a terminal are in groups that are no cgroups (sched_autogroup): they have no number.
    nameOf: id => (id === 0n ? cgroupPath('/') : names.get(id)),
  };
}

/** Where a machine with very many of them would be looked through for one that is gone. */
const mostDirectories = 4000;

/** Paths of cgroups by the numbers of their directories: the hierarchy is looked through for those not seen before. */
export function openCgroupPaths(
  files: KernelFiles,
  controller: Controller,
): (ids: readonly bigint[]) => ReadonlyMap<bigint, CgroupPath> {
  const known = new Map<bigint, CgroupPath>();
  const given = new Set<bigint>();
  const hierarchy = flatMapReading(detectLayout(files), layout => hierarchyOf(layout, controller));
  return ids => {
    const wanted = new Set(ids.filter(id => !given.has(id)));
    for (const id of wanted) given.add(id);
    const root = hierarchy.present ? locateIn(hierarchy.value, cgroupPath('/')) : hierarchy;
    const queue = root.present ? [root.value] : [];
    for (let at = 0; at < Math.min(queue.length, mostDirectories) && wanted.size > 0; at += 1) {
      const directory = queue[at] ?? '';
      const status = files.status(directory);
      if (!status.present || !root.present) continue;
      const id = BigInt(status.value.inode);
      if (wanted.delete(id)) known.set(id, cgroupPath(directory.slice(root.value.length) || '/'));
      queue.push(...orElse(childrenOf(files, directory), []));
    }
    return known;
  };
}
