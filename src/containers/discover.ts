import { detectLayout, pathsOf } from '../linux/cgroup/layout.ts';
import { type CgroupLayout, controllers } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readNamespaces } from '../linux/namespaces.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { readHostStat } from '../linux/proc/host/stat.ts';
import { readStat } from '../linux/proc/stat.ts';
import { mapReading, orElse, type Reading } from '../linux/reading.ts';
import { cgroupPath, type HostPid, microsecondsFromTicks } from '../linux/units.ts';
import type { Container, EngineNotice } from './container.ts';
import { containerCgroup } from './engine-hint.ts';
import { findBareContainers } from './engines/bare.ts';
import { findDockerContainers } from './engines/docker.ts';
import { findOciContainers } from './engines/oci.ts';
import { findPodmanContainers } from './engines/podman.ts';
import { mergeSightings } from './merge.ts';
import { type ProcessScan, scanProcesses } from './scan.ts';
import { findSharedCgroups } from './shared-cgroups.ts';
import type { Sighting } from './sighting.ts';

export interface Discovery {
  /** Running ones first, by the pid of init; then exited ones, by id. */
  readonly containers: readonly Container[];
  readonly notices: readonly EngineNotice[];
  /** All processes as they were meanwhile, for those who go on to look at them. */
  readonly scan: Reading<ProcessScan>;
}

export interface DiscoverOptions {
  /** For DOCKER_HOST and CONTAINER_HOST; the process's own by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** All containers of this machine, whoever made them. An engine that cannot be asked is a notice. */
export async function discoverContainers(
  files: KernelFiles,
  { environment = process.env }: DiscoverOptions = {},
): Promise<Discovery> {
  // The daemons think while this thread reads /proc.
  const asked = Promise.all([
    findDockerContainers(files, environment),
    findPodmanContainers(files, environment),
  ]);
  const scan = scanProcesses(files);
  if (!scan.present) {
    const { what, remedy } = scan;
    return { containers: [], notices: [{ engine: 'bare', what, because: 'failed', remedy }], scan };
  }
  const oci = findOciContainers(files);
  const bare = findBareContainers(files, scan.value);
  const answers = await asked;
  const sightings = mergeSightings(scan.value, [
    ...answers.flatMap(answer => answer.sightings),
    ...oci.sightings,
    ...bare,
  ]);
  const complete = completer(files);
  return {
    containers: sightings.map(complete).toSorted(inOrder),
    notices: [...answers.flatMap(answer => answer.notices), ...oci.notices, ...noticesOf(scan.value)],
    scan,
  };
}

function noticesOf({ hidden, processes }: ProcessScan): readonly EngineNotice[] {
  if (hidden === 0) return [];
  return [
    {
      engine: 'bare',
      what: `the namespaces of ${hidden} of ${hidden + processes.length} processes`,
      because: 'not-permitted',
      remedy: 'run as root (CAP_SYS_PTRACE) to see containers that no engine tells about',
    },
  ];
}

function completer(files: KernelFiles): (sighting: Sighting) => Container {
  const layout = orElse(detectLayout(files), { mode: 'none', hierarchies: [] } satisfies CgroupLayout);
  const bootTime = orElse(
    mapReading(readHostStat(files), stat => stat.bootTime),
    undefined,
  );
  return sighting => {
    const { init } = sighting;
    if (init === null) return { ...sighting, cgroups: {}, sharedCgroups: [], namespaces: {} };
    const cgroups = cgroupsOf(files, layout, init, sighting.id);
    return {
      ...sighting,
      startedAt: sighting.startedAt ?? startOf(files, init, bootTime),
      cgroups,
      sharedCgroups: findSharedCgroups(files, layout, init, cgroups),
      namespaces: orElse(readNamespaces(files, init), {}),
    };
  };
}

function cgroupsOf(
  files: KernelFiles,
  layout: CgroupLayout,
  init: HostPid,
  id: string,
): Container['cgroups'] {
  const paths = pathsOf(layout, orElse(readProcCgroup(files, init), []));
  for (const controller of controllers) {
    const path = paths[controller];
    if (path !== undefined) paths[controller] = cgroupPath(containerCgroup(path, id));
  }
  return paths;
}

function startOf(files: KernelFiles, pid: HostPid, bootTime: number | undefined): string | null {
  const stat = readStat(files, pid);
  if (!stat.present || bootTime === undefined) return null;
  const milliseconds = bootTime * 1000 + microsecondsFromTicks(stat.value.startTime) / 1000;
  // Text of a stored tree may be beyond what a date can be.
  return milliseconds <= 8.64e15 ? new Date(milliseconds).toISOString() : null;
}

function inOrder(a: Container, b: Container): number {
  if (a.init !== null && b.init !== null) return a.init - b.init;
  if (a.init === null && b.init === null) return a.id < b.id ? -1 : 1;
  return a.init === null ? 1 : -1;
}
