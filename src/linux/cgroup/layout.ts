import type { KernelFiles } from '../files.ts';
import type { ProcCgroup } from '../proc/cgroup.ts';
import { type Mount, readMountinfo } from '../proc/mountinfo.ts';
import { absent, flatMapReading, mapReading, orElse, present, type Reading } from '../reading.ts';
import { type CgroupPath, cgroupPath } from '../units.ts';
import type { CgroupLayout, Controller, Hierarchy } from './model.ts';
import { pathBelow } from './path.ts';

/** The v1 hierarchies whose files make up one controller of the model; on v2 the controller of that name. */
const kernelNames: Readonly<Record<Controller, { v1: string; v2: string }>> = {
  cpu: { v1: 'cpu', v2: 'cpu' },
  cpuset: { v1: 'cpuset', v2: 'cpuset' },
  memory: { v1: 'memory', v2: 'memory' },
  pids: { v1: 'pids', v2: 'pids' },
  io: { v1: 'blkio', v2: 'io' },
  hugetlb: { v1: 'hugetlb', v2: 'hugetlb' },
  freezer: { v1: 'freezer', v2: '' },
  pressure: { v1: '', v2: '' },
};

/** Controllers a v1 mount can carry, by their names in the mount options; the other options are flags. */
const v1Names = new Set(
  'cpu cpuacct cpuset memory devices freezer net_cls net_prio blkio perf_event hugetlb pids rdma misc debug'.split(
    ' ',
  ),
);

/** How this host arranges its cgroups, from /proc/self/mountinfo and the cgroup2 root's cgroup.controllers. */
export function detectLayout(files: KernelFiles): Reading<CgroupLayout> {
  return mapReading(readMountinfo(files, 'self'), mounts => {
    const hierarchies = widestOfEach(
      cgroupMounts(mounts).map(mount =>
        mount.version === 'v1'
          ? mount
          : { ...mount, kernelControllers: v2Controllers(files, mount.mountPoint) },
      ),
    );
    const v1 = hierarchies.some(({ version }) => version === 'v1');
    const v2 = hierarchies.some(({ version }) => version === 'v2');
    return { mode: v1 && v2 ? 'hybrid' : v1 ? 'v1' : v2 ? 'v2' : 'none', hierarchies };
  });
}

const v2Controllers = (files: KernelFiles, mountPoint: string): readonly string[] =>
  orElse(files.read(`${mountPoint}/cgroup.controllers`), '')
    .split(/\s+/)
    .filter(name => name !== '');

function cgroupMounts(mounts: readonly Mount[]): readonly Hierarchy[] {
  return mounts.flatMap(({ type, root, mountPoint, superOptions }): readonly Hierarchy[] => {
    const mountRoot = cgroupPath(root);
    if (type === 'cgroup2') return [{ version: 'v2', kernelControllers: [], mountPoint, mountRoot }];
    if (type !== 'cgroup') return [];
    const kernelControllers = superOptions.filter(name => v1Names.has(name) || name.startsWith('name='));
    return [{ version: 'v1', kernelControllers, mountPoint, mountRoot }];
  });
}

/**
 * A hierarchy is often mounted more than once (bind mounts of container engines, `/sys/fs/cgroup` inside a
 * chroot). The mount that shows most of it is kept, and of two alike the one under /sys/fs/cgroup. A mount over
 * the same mount point hides the one before.
 */
function widestOfEach(mounts: readonly Hierarchy[]): readonly Hierarchy[] {
  const visible = mounts.filter(
    (mount, index) => !mounts.slice(index + 1).some(later => later.mountPoint === mount.mountPoint),
  );
  const best = new Map<string, Hierarchy>();
  for (const mount of visible) {
    const key = mount.version === 'v2' ? 'v2' : [...mount.kernelControllers].sort().join(',');
    const other = best.get(key);
    if (other === undefined || isWider(mount, other)) best.set(key, mount);
  }
  return [...best.values()];
}

function isWider(mount: Hierarchy, other: Hierarchy): boolean {
  const shown = pathBelow(mount.mountRoot, other.mountRoot);
  if (shown !== undefined && shown !== '') return true;
  if (shown === undefined) return false;
  const atHome = (hierarchy: Hierarchy): boolean => hierarchy.mountPoint.startsWith('/sys/fs/cgroup');
  return atHome(mount) && !atHome(other);
}

/** The hierarchy that a kernel controller (`cpuacct`, `blkio`, `io`) is bound to. */
export function hierarchyOfKernel(layout: CgroupLayout, kernelController: string): Hierarchy | undefined {
  return layout.hierarchies.find(({ kernelControllers }) => kernelControllers.includes(kernelController));
}

/** The hierarchy that has a controller of the model; freezing and pressure are part of cgroup2 itself. */
export function hierarchyOf(layout: CgroupLayout, controller: Controller): Reading<Hierarchy> {
  const names = kernelNames[controller];
  const v1 = layout.hierarchies.find(
    ({ version, kernelControllers }) => version === 'v1' && kernelControllers.includes(names.v1),
  );
  const v2 = layout.hierarchies.find(
    ({ version, kernelControllers }) =>
      version === 'v2' && (names.v2 === '' || kernelControllers.includes(names.v2)),
  );
  // A controller is bound to one hierarchy at a time; `freezer` alone exists in both, and engines on hybrid
  // hosts use the v1 one.
  const hierarchy = v1 ?? v2;
  if (hierarchy !== undefined) return present(hierarchy);
  return absent(`the ${controller} controller`, 'disabled', remedyForMissing(layout, controller));
}

function remedyForMissing(layout: CgroupLayout, controller: Controller): string {
  if (layout.mode === 'none') return 'mount the cgroup file systems: mount -t cgroup2 none /sys/fs/cgroup';
  if (controller === 'pressure') return 'mount cgroup2 beside v1: it has the pressure files of each cgroup';
  return `mount the ${kernelNames[controller].v1} hierarchy, or boot a kernel that has the controller (/proc/cgroups lists them)`;
}

/** The directory of a cgroup in the hierarchy of a controller. */
export function locate(layout: CgroupLayout, controller: Controller, path: CgroupPath): Reading<string> {
  return flatMapReading(hierarchyOf(layout, controller), hierarchy => locateIn(hierarchy, path));
}

/** The directory in the hierarchy of a kernel controller that the model has no name for, such as cpuacct. */
export function locateKernel(
  layout: CgroupLayout,
  kernelController: string,
  path: CgroupPath,
): string | undefined {
  const hierarchy = hierarchyOfKernel(layout, kernelController);
  const directory = hierarchy === undefined ? undefined : locateIn(hierarchy, path);
  return directory?.present ? directory.value : undefined;
}

export function locateIn(hierarchy: Hierarchy, path: CgroupPath): Reading<string> {
  const below = pathBelow(hierarchy.mountRoot, path);
  if (below !== undefined) return present(`${hierarchy.mountPoint}${below}`);
  return absent(
    `cgroup ${path}`,
    'not-permitted',
    `it is outside of what ${hierarchy.mountPoint} shows (${hierarchy.mountRoot}); look from the host, or through nsenter -t 1 -C -m`,
  );
}

/** The cgroup of a process in each controller of the model that this host has. */
export function pathsOf(
  layout: CgroupLayout,
  entries: readonly Pick<ProcCgroup, 'controllers' | 'path'>[],
): Partial<Record<Controller, CgroupPath>> {
  const paths: Partial<Record<Controller, CgroupPath>> = {};
  for (const controller of Object.keys(kernelNames) as Controller[]) {
    const hierarchy = hierarchyOf(layout, controller);
    if (!hierarchy.present) continue;
    const entry = entries.find(({ controllers }) =>
      hierarchy.value.version === 'v2'
        ? controllers.length === 0
        : controllers.includes(kernelNames[controller].v1),
    );
    if (entry !== undefined) paths[controller] = entry.path;
  }
  return paths;
}
