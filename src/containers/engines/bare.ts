import type { KernelFiles } from '../../linux/files.ts';
import { initialPidNamespace, type NamespaceKind, readNamespace } from '../../linux/namespaces.ts';
import { readProcCgroup } from '../../linux/proc/cgroup.ts';
import { readEnviron } from '../../linux/proc/environ.ts';
import { readStatus } from '../../linux/proc/status.ts';
import { mapReading, orElse, type Reading } from '../../linux/reading.ts';
import { readHostname } from '../../linux/syscalls/setns.ts';
import { type HostPid, hostPid, type NsPid } from '../../linux/units.ts';
import { type EngineHint, engineFromEnviron, hintFromCgroups } from '../engine-hint.ts';
import type { ProcessScan, ScannedProcess } from '../scan.ts';
import { runningSighting, type Sighting } from '../sighting.ts';

export interface BareOptions {
  readonly hostnameOf?: (files: KernelFiles, pid: HostPid) => Reading<string>;
}

/**
 * Containers as the kernel alone shows them, whether or not an engine is known or answers. What counts as one, and
 * what merely has a namespace of its own, is decided in docs/design/004-bare-containers.md.
 */
export function findBareContainers(
  files: KernelFiles,
  scan: ProcessScan,
  { hostnameOf = readHostname }: BareOptions = {},
): readonly Sighting[] {
  const inits = findInits(files, scan);
  const hints = hintsOf(files, inits);
  return inits.map(init => describe(files, scan, init, hints.get(init), hostnameOf));
}

/**
 * The engine of each init by its cgroup. A bare container inside an engine's stays in that one's cgroup, so when
 * several point to the same id, it is the outermost's.
 */
function hintsOf(files: KernelFiles, inits: readonly HostPid[]): ReadonlyMap<HostPid, EngineHint> {
  const hints = new Map<HostPid, EngineHint>();
  const hinted = inits.map(init => ({ init, hint: hintOf(files, init) }));
  for (const sharing of Map.groupBy(hinted, ({ hint }) => hint?.id).values()) {
    const [outermost] = sharing.length === 1 ? sharing : sharing.toSorted((a, b) => depth(a) - depth(b));
    if (outermost?.hint !== undefined) hints.set(outermost.init, outermost.hint);
  }
  return hints;

  function depth({ init }: { init: HostPid }): number {
    return namespacePidsOf(files, init).length;
  }
}

function findInits(files: KernelFiles, scan: ProcessScan): readonly HostPid[] {
  const inside = scan.processes.filter(({ pidNamespace }) => pidNamespace !== scan.host.pid);
  const outside = scan.processes.filter(({ pidNamespace }) => pidNamespace === scan.host.pid);
  const mountNamespacesInside = new Set(inside.map(({ mountNamespace }) => mountNamespace));
  return [
    ...(scan.host.pid === initialPidNamespace ? [] : [hostPid(1)]),
    ...groupBy(inside, ({ pidNamespace }) => pidNamespace)
      .flatMap(members => initsOfPidNamespace(files, members))
      .filter(process => !isJail(files, scan, process))
      .map(({ pid }) => pid),
    ...groupBy(
      outside.filter(({ mountNamespace }) => !mountNamespacesInside.has(mountNamespace)),
      ({ mountNamespace }) => mountNamespace,
    )
      .flatMap(([first]) => (first === undefined ? [] : [first]))
      .filter(process => hasOwnRoot(files, scan, process))
      .map(({ pid }) => pid),
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
  const init = members.find(({ pid }) => isInit(files, pid)) ?? members[0];
  if (init === undefined) return [];
  const parts = groupBy(
    members.filter(({ mountNamespace }) => mountNamespace !== null),
    ({ mountNamespace }) => mountNamespace,
  );
  if (parts.length < 2) return [init];
  const inits = [init];
  const ids = new Set([hintOf(files, init.pid)?.id]);
  for (const [first] of parts) {
    if (first === undefined || first.mountNamespace === init.mountNamespace) continue;
    const id = hintOf(files, first.pid)?.id;
    if (id === undefined || ids.has(id)) continue;
    ids.add(id);
    inits.push(first);
  }
  return inits;
}

const namespacePidsOf = (files: KernelFiles, pid: HostPid): readonly NsPid[] =>
  orElse(
    mapReading(readStatus(files, pid), ({ namespacePids }) => namespacePids),
    [],
  );

const isInit = (files: KernelFiles, pid: HostPid): boolean => namespacePidsOf(files, pid).at(-1) === 1;

const hintOf = (files: KernelFiles, pid: HostPid): EngineHint | undefined =>
  hintFromCgroups(orElse(readProcCgroup(files, pid), []).map(({ path }) => path));

/** A browser's sandbox: a pid namespace of its own over mounts of the outside, with nothing under its root. */
function isJail(files: KernelFiles, scan: ProcessScan, process: ScannedProcess): boolean {
  const { mountNamespace, pidNamespace, pid } = process;
  const sharesMounts =
    mountNamespace !== null &&
    scan.processes.some(
      other => other.mountNamespace === mountNamespace && other.pidNamespace !== pidNamespace,
    );
  if (!sharesMounts) return false;
  const root = files.list(`/proc/${pid}/root/`);
  return root.present ? root.value.length === 0 : root.because === 'vanished';
}

/** Namespaces that a service manager or `ip netns exec` rarely takes together, and an engine nearly always. */
const tellingKinds = ['cgroup', 'ipc', 'net', 'uts'] as const satisfies readonly NamespaceKind[];

/** Whether a process that shares the host's pids, but not its mounts, is in a container all the same. */
function hasOwnRoot(files: KernelFiles, scan: ProcessScan, { mountNamespace, pid }: ScannedProcess): boolean {
  if (mountNamespace === null || mountNamespace === scan.host.mnt) return false;
  if (hintOf(files, pid) !== undefined) return true;
  const own = files.status(`/proc/${pid}/root/`);
  const host = files.status('/');
  if (!own.present || !host.present) return false;
  if (own.value.device === host.value.device && own.value.inode === host.value.inode) return false;
  const differing = tellingKinds.filter(kind => {
    const namespace = readNamespace(files, pid, kind);
    return namespace.present && namespace.value !== scan.host[kind];
  });
  return differing.length >= 2;
}

function describe(
  files: KernelFiles,
  scan: ProcessScan,
  init: HostPid,
  hint: EngineHint | undefined,
  hostnameOf: NonNullable<BareOptions['hostnameOf']>,
): Sighting {
  const engine = hint?.engine ?? engineFromEnviron(orElse(readEnviron(files, init), new Map())) ?? 'bare';
  const id = hint?.id ?? `pid-${init}`;
  const name = ownHostname(files, scan, init, hostnameOf) ?? hint?.id.slice(0, 12) ?? `pid-${init}`;
  return runningSighting({ engine, id, name, init });
}

function ownHostname(
  files: KernelFiles,
  scan: ProcessScan,
  init: HostPid,
  hostnameOf: NonNullable<BareOptions['hostnameOf']>,
): string | undefined {
  const readersName = orElse(files.read('/proc/sys/kernel/hostname'), '').trimEnd();
  // Seen from inside, PID 1 is the container's own and shares the reader's name.
  if (init === 1) return readersName === '' ? undefined : readersName;
  const namespace = readNamespace(files, init, 'uts');
  if (!namespace.present || namespace.value === scan.host.uts) return undefined;
  const name = orElse(hostnameOf(files, init), '');
  return name === '' || name === readersName ? undefined : name;
}

function groupBy<K>(
  processes: readonly ScannedProcess[],
  keyOf: (process: ScannedProcess) => K,
): readonly (readonly ScannedProcess[])[] {
  return [...Map.groupBy(processes, keyOf).values()];
}
