import { existsSync } from 'node:fs';
import { createCgroup, directoriesFor } from '../linux/cgroup/create.ts';
import { detectLayout, hierarchyOf, hierarchyOfKernel, locate, pathsOf } from '../linux/cgroup/layout.ts';
import { setLimits } from '../linux/cgroup/limits.ts';
import { type CgroupLayout, type Controller, controllers } from '../linux/cgroup/model.ts';
import { openCgroupWriter } from '../linux/cgroup/write.ts';
import { openKernelFiles } from '../linux/files.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { orElse, type Reading } from '../linux/reading.ts';
import { bytes, type CgroupPath, cgroupPath, type HostPid } from '../linux/units.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { Limits } from './lab.ts';

/** One cgroup of ours: a directory in each hierarchy of the host. */
export interface LabCgroup {
  readonly path: CgroupPath;
  readonly directories: Readonly<Partial<Record<Controller, string>>>;
  /** Every directory once, also that of v1's cpuacct, which is no controller of the model. */
  readonly all: readonly string[];
  setLimits(limits: Limits): void;
}

const files = openKernelFiles();
/** The most that the kernel takes (MAX_SHARES). */
const highestShares = 262_144;

/**
 * The host's hierarchies as labs use them: what the mounts show is the root. In a container that shares the
 * host's cgroup namespace the mounts begin at the container's own cgroup, and labs stay below it.
 */
export function labLayout(): CgroupLayout {
  const layout = demand(detectLayout(files));
  const hierarchies = layout.hierarchies.map(each => ({ ...each, mountRoot: cgroupPath('/') }));
  return { ...layout, hierarchies };
}

const labControllers = (layout: CgroupLayout): readonly Controller[] =>
  controllers.filter(controller => hierarchyOf(layout, controller).present);

/** So that a bug in a program stays inside; where a controller is missing there is nothing to set. */
export function defaultLimits(): Limits {
  const usable = labControllers(labLayout());
  return {
    ...(usable.includes('memory') ? { memory: bytes(256 * 1024 * 1024) } : {}),
    ...(usable.includes('pids') ? { pids: 128 } : {}),
  };
}

/** Makes `/glassbox/<run>/…names` in every hierarchy, journalled from the outermost level inwards. */
export function makeCgroup(journal: Journal, names: readonly string[], limits: Limits): LabCgroup {
  const layout = labLayout();
  const writer = openCgroupWriter();
  const path = cgroupPath(['', 'glassbox', journal.run, ...names].join('/'));
  const usable = labControllers(layout);
  const needed = usable.filter(controller => isNeeded(layout, controller, limits));
  journal.record(...controllersEntry(layout, needed), ...levelEntries(layout, path));
  demand(createCgroup(writer, layout, path, needed));
  const change = (wanted: Limits): void => {
    demand(setLimits(writer, layout, path, withoutSwap(directories.memory, wanted)));
  };
  const directories = demand(directoriesFor(layout, path, needed));
  // A weight counts among siblings only: without it the levels above would share with each task of the host.
  if (limits.cpuShares !== undefined)
    for (const level of [`/glassbox`, `/glassbox/${journal.run}`])
      demand(setLimits(writer, layout, cgroupPath(level), { cpuShares: highestShares }));
  change(limits);
  return { path, directories, all: directoriesOf(layout, path), setLimits: change };
}

/** On v2 every enabled controller costs, and enabling one touches the host's root: only those that labs read. */
function isNeeded(layout: CgroupLayout, controller: Controller, limits: Limits): boolean {
  const isV1 = orElse(hierarchyOf(layout, controller), undefined)?.version === 'v1';
  if (isV1 || controller === 'pressure' || controller === 'freezer') return true;
  if (controller === 'hugetlb') return limits.hugePages !== undefined;
  return controller !== 'cpuset' || limits.cpus !== undefined;
}

/**
 * What the root of a cgroup2 tree does not hand on yet and soon will; the cgroup that all runs share likewise, for as
 * long as it does the root cannot stop.
 */
function controllersEntry(layout: CgroupLayout, needed: readonly Controller[]): readonly JournalEntry[] {
  const v2 = layout.hierarchies.find(({ version }) => version === 'v2');
  if (v2 === undefined) return [];
  return [v2.mountPoint, `${v2.mountPoint}/glassbox`].flatMap((directory): readonly JournalEntry[] => {
    const handedOn = orElse(files.read(`${directory}/cgroup.subtree_control`), '').split(/\s+/);
    const names = needed.filter(name => v2.kernelControllers.includes(name) && !handedOn.includes(name));
    return names.length === 0 ? [] : [{ kind: 'controllers', directory, names: names.join(' ') }];
  });
}

/** `/glassbox` is every run's, the rest is this run's own. */
function levelEntries(layout: CgroupLayout, path: CgroupPath): readonly JournalEntry[] {
  const names = path.split('/').slice(1);
  return names.flatMap((_, depth) =>
    directoriesOf(layout, cgroupPath(`/${names.slice(0, depth + 1).join('/')}`))
      .filter(directory => depth === 0 || !existsSync(directory))
      .map((directory): JournalEntry => ({ kind: depth === 0 ? 'shared-cgroup' : 'cgroup', directory })),
  );
}

function directoriesOf(layout: CgroupLayout, path: CgroupPath): readonly string[] {
  const accounting = hierarchyOfKernel(layout, 'cpuacct');
  const hierarchies = labControllers(layout).map(controller => demand(hierarchyOf(layout, controller)));
  const all = new Set(accounting === undefined ? hierarchies : [...hierarchies, accounting]);
  return [...all].map(({ mountPoint }) => `${mountPoint}${path}`);
}

/** Unless a lab is about swap, a memory limit leaves no way into it: so it means the same on every host. */
function withoutSwap(directory: string | undefined, limits: Limits): Limits {
  const { memory } = limits;
  if (memory === undefined || limits.memoryAndSwap !== undefined) return limits;
  const countsSwap = ['memory.memsw.limit_in_bytes', 'memory.swap.max'].some(
    name => directory !== undefined && existsSync(`${directory}/${name}`),
  );
  return countsSwap ? { ...limits, memoryAndSwap: memory } : limits;
}

/**
 * The directories that runtimes make for a parent cgroup in hierarchies that labs do not use (devices, systemd):
 * Docker leaves them when the container goes.
 */
export function parentOnlyEntries(journal: Journal, names: readonly string[]): readonly JournalEntry[] {
  const levels = ['glassbox', journal.run, ...names];
  return labLayout().hierarchies.flatMap(({ mountPoint }) =>
    levels.map((_, depth): JournalEntry => {
      const directory = [mountPoint, ...levels.slice(0, depth + 1)].join('/');
      return { kind: depth === 0 ? 'shared-cgroup' : 'cgroup', directory };
    }),
  );
}

/** The cgroup that an engine put a process into. */
export function cgroupOfProcess(pid: HostPid): Pick<LabCgroup, 'directories' | 'setLimits'> {
  const layout = labLayout();
  const paths = pathsOf(layout, demand(readProcCgroup(files, pid)));
  const directories: Partial<Record<Controller, string>> = {};
  for (const controller of labControllers(layout)) {
    const path = paths[controller];
    if (path !== undefined) directories[controller] = demand(locate(layout, controller, path));
  }
  const path = paths.memory ?? paths.pids ?? paths.cpu ?? cgroupPath('/');
  const writer = openCgroupWriter();
  return {
    directories,
    setLimits: limits => {
      demand(setLimits(writer, layout, path, withoutSwap(directories.memory, limits)));
    },
  };
}

function demand<T>(reading: Reading<T>): T {
  if (reading.present) return reading.value;
  throw new Error(`${reading.what}: ${reading.remedy}`);
}
