import { absent, flatMapReading, orElse, present, type Reading } from '../reading.ts';
import type { CgroupPath } from '../units.ts';
import { hierarchyOf, hierarchyOfKernel, locateIn } from './layout.ts';
import type { CgroupLayout, Controller, Hierarchy } from './model.ts';
import { type CgroupWriter, type Done, done, inOrder } from './write.ts';

/** cgroup2 controllers that must be enabled in the parents; freezing and pressure need nothing. */
const v2Enabling: Partial<Record<Controller, string>> = {
  cpu: 'cpu',
  cpuset: 'cpuset',
  memory: 'memory',
  pids: 'pids',
  io: 'io',
  hugetlb: 'hugetlb',
};

/** The directories of a cgroup, one for each hierarchy: what a journal notes before they are made. */
export function directoriesFor(
  layout: CgroupLayout,
  path: CgroupPath,
  controllers: readonly Controller[],
): Reading<Partial<Record<Controller, string>>> {
  const directories: Partial<Record<Controller, string>> = {};
  for (const controller of controllers) {
    const directory = flatMapReading(hierarchyOf(layout, controller), each => locateIn(each, path));
    if (!directory.present) return directory;
    directories[controller] = directory.value;
  }
  return present(directories);
}

/**
 * The same once each, with cpuacct's where that is apart from cpu: what a process has to be moved into, and what has
 * to be removed in the end.
 */
export function everyDirectory(
  layout: CgroupLayout,
  path: CgroupPath,
  controllers: readonly Controller[],
): readonly string[] {
  return [...needed(layout, controllers).keys()].flatMap(hierarchy => {
    const directory = locateIn(hierarchy, path);
    return directory.present ? [directory.value] : [];
  });
}

/**
 * Makes a cgroup, and the cgroups above it that are missing, in every hierarchy that the controllers need. On v1
 * cpuacct comes with cpu. Answers with the directories, one for each controller.
 */
export function createCgroup(
  writer: CgroupWriter,
  layout: CgroupLayout,
  path: CgroupPath,
  controllers: readonly Controller[],
): Reading<Partial<Record<Controller, string>>> {
  return flatMapReading(directoriesFor(layout, path, controllers), directories => {
    for (const [hierarchy, wanted] of needed(layout, controllers)) {
      const outcome = createIn(writer, hierarchy, path, wanted);
      if (!outcome.present) return outcome;
    }
    return present(directories);
  });
}

function needed(
  layout: CgroupLayout,
  controllers: readonly Controller[],
): ReadonlyMap<Hierarchy, readonly Controller[]> {
  const wanted = new Map<Hierarchy, Controller[]>();
  for (const controller of controllers) {
    const hierarchy = hierarchyOf(layout, controller);
    if (!hierarchy.present) continue;
    wanted.set(hierarchy.value, [...(wanted.get(hierarchy.value) ?? []), controller]);
    const accounting = controller === 'cpu' ? hierarchyOfKernel(layout, 'cpuacct') : undefined;
    if (accounting !== undefined && !wanted.has(accounting)) wanted.set(accounting, []);
  }
  return wanted;
}

function createIn(
  writer: CgroupWriter,
  hierarchy: Hierarchy,
  path: CgroupPath,
  controllers: readonly Controller[],
): Done {
  const target = locateIn(hierarchy, path);
  if (!target.present) return target;
  const names = target.value
    .slice(hierarchy.mountPoint.length)
    .split('/')
    .filter(name => name !== '');
  let parent = hierarchy.mountPoint;
  for (const name of names) {
    const above = parent;
    const directory = `${above}/${name}`;
    const outcome = inOrder(
      () => (hierarchy.version === 'v2' ? enableBelow(writer, above, controllers) : done),
      () => writer.make(directory),
      () =>
        hierarchy.version === 'v1' && hierarchy.kernelControllers.includes('cpuset')
          ? inheritCpuset(writer, above, directory)
          : done,
    );
    if (!outcome.present) return outcome;
    parent = directory;
  }
  return done;
}

/** A new v1 cpuset is empty and lets nobody in: it gets what its parent has (cgroup-v1/cpusets.rst, Usage). */
function inheritCpuset(writer: CgroupWriter, parent: string, directory: string): Done {
  const inherit = (name: string): Done => {
    if (orElse(writer.read(`${directory}/${name}`), '').trim() !== '') return done;
    return flatMapReading(writer.read(`${parent}/${name}`), text =>
      writer.write(`${directory}/${name}`, text.trim()),
    );
  };
  return inOrder(
    () => inherit('cpuset.cpus'),
    () => inherit('cpuset.mems'),
  );
}

/**
 * Lets children of a cgroup2 directory have controllers. The kernel refuses that (EBUSY) for a cgroup that has
 * processes of its own (cgroup-v2.rst, No Internal Process Constraint); the root alone is free of the rule.
 */
function enableBelow(writer: CgroupWriter, parent: string, controllers: readonly Controller[]): Done {
  const file = `${parent}/cgroup.subtree_control`;
  const enabled = orElse(writer.read(file), '').split(/\s+/);
  const missing = controllers.flatMap(controller => {
    const name = v2Enabling[controller];
    return name === undefined || enabled.includes(name) ? [] : [name];
  });
  if (missing.length === 0) return done;
  const outcome = writer.write(file, missing.map(name => `+${name}`).join(' '));
  if (outcome.present) return done;
  const hasProcesses = orElse(writer.read(`${parent}/cgroup.procs`), '').trim() !== '';
  return hasProcesses
    ? absent(
        file,
        'not-permitted',
        `${parent} has processes of its own, so its children cannot have ${missing.join(', ')}; move them into a child cgroup first`,
      )
    : outcome;
}
