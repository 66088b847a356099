import type { KernelFiles } from '../../linux/files.ts';
import { readNamespace } from '../../linux/namespaces.ts';
import { readEnviron } from '../../linux/proc/environ.ts';
import { readOwnHostname } from '../../linux/proc/host/hostname.ts';
import { orElse, type Reading } from '../../linux/reading.ts';
import { readHostname } from '../../linux/syscalls/setns.ts';
import type { HostPid } from '../../linux/units.ts';
import { type EngineHint, engineFromEnviron, readHint } from '../engine-hint.ts';
import type { ProcessScan } from '../scan.ts';
import { runningSighting, type Sighting } from '../sighting.ts';
import { depthOf, findInits } from './bare-inits.ts';

export interface BareOptions {
  readonly hostnameOf?: (files: KernelFiles, pid: HostPid) => Reading<string>;
}

/** Containers as the kernel alone shows them, whether or not an engine is known or answers. */
export function findBareContainers(
  files: KernelFiles,
  scan: ProcessScan,
  { hostnameOf = readHostname }: BareOptions = {},
): readonly Sighting[] {
  const inits = findInits(files, scan);
  const hints = outermostHints(files, inits);
  const nameOf = namer(files, scan, hostnameOf);
  return inits.map(init => {
    const hint = hints.get(init);
    const engine = hint?.engine ?? engineFromEnviron(orElse(readEnviron(files, init), new Map())) ?? 'bare';
    const id = hint?.id ?? `pid-${init}`;
    return runningSighting({ engine, id, name: nameOf(init) ?? hint?.id.slice(0, 12) ?? id, init });
  });
}

/**
 * The engine of each init by its cgroup. A bare container inside an engine's stays in that one's cgroup, so when
 * several point to the same id, it is the outermost's.
 */
function outermostHints(files: KernelFiles, inits: readonly HostPid[]): ReadonlyMap<HostPid, EngineHint> {
  const hints = new Map<HostPid, EngineHint>();
  const hinted = inits.flatMap(init => {
    const hint = readHint(files, init);
    return hint === undefined ? [] : [{ init, hint }];
  });
  for (const alike of Map.groupBy(hinted, ({ hint }) => hint.id).values()) {
    const byDepth = alike.length === 1 ? alike : alike.toSorted((a, b) => depth(a.init) - depth(b.init));
    for (const { init, hint } of byDepth.slice(0, 1)) hints.set(init, hint);
  }
  return hints;

  function depth(init: HostPid): number {
    return depthOf(files, init);
  }
}

/**
 * Names containers by their host names, where these differ from the reader's. A UTS namespace names one container,
 * the first: those of a pod share one, and a container inside a container may.
 */
function namer(
  files: KernelFiles,
  scan: ProcessScan,
  hostnameOf: NonNullable<BareOptions['hostnameOf']>,
): (init: HostPid) => string | undefined {
  const readersName = orElse(readOwnHostname(files), '');
  const used = new Set([scan.host.uts]);
  return init => {
    // Seen from inside, PID 1 is the container's own and shares the reader's name.
    if (init === 1) return readersName === '' ? undefined : readersName;
    const namespace = readNamespace(files, init, 'uts');
    if (!namespace.present || used.has(namespace.value)) return undefined;
    used.add(namespace.value);
    const name = orElse(hostnameOf(files, init), '');
    return name === '' || name === readersName ? undefined : name;
  };
}
