import { pathsOf } from '../linux/cgroup/layout.ts';
import { type CgroupLayout, type Controller, controllers } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { readStat } from '../linux/proc/stat.ts';
import { orElse } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';
import type { Container } from './container.ts';

/**
 * Controllers whose cgroup is not the container's alone: the hierarchy's root, or the cgroup of the process that
 * started it, as after a bare `unshare` in a login session. Its figures are then those of strangers too.
 */
export function findSharedCgroups(
  files: KernelFiles,
  layout: CgroupLayout,
  init: HostPid,
  cgroups: Container['cgroups'],
): readonly Controller[] {
  const stat = readStat(files, init);
  const parent =
    stat.present && stat.value.parent > 0
      ? pathsOf(layout, orElse(readProcCgroup(files, stat.value.parent), []))
      : {};
  return controllers.filter(controller => {
    const path = cgroups[controller];
    return path !== undefined && (path === '/' || path === parent[controller]);
  });
}
