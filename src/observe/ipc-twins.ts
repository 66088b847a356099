import type { Container } from '../containers/container.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { readCmdline } from '../linux/proc/cmdline.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { readSysvShm, type SharedMemorySegment } from '../linux/proc/sysvipc-shm.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import { type Bytes, type HostPid, hostPid, type NamespaceId } from '../linux/units.ts';

/** Two System V segments with one key and one size, in two ipc namespaces: different objects for the kernel. */
export interface IpcTwin {
  /** As shmget(2) was called with; never IPC_PRIVATE. */
  readonly key: number;
  readonly size: Bytes;
  readonly own: IpcParty;
  readonly other: IpcParty;
  /** Whose namespace the other one is in. */
  readonly elsewhere: string;
}

export interface IpcParty {
  readonly namespace: NamespaceId;
  readonly id: number;
  readonly uid: number;
  readonly attached: number;
  /** The process that made it, when it still runs there; null when it ended. */
  readonly creator: {
    readonly pid: HostPid;
    readonly executable: string;
    readonly commandLine: readonly string[];
  } | null;
}

/** Joining a namespace and reading its list takes some 50 µs. */
const mostNamespaces = 64;
const mostTwins = 16;

/**
 * Segments of the container that have a namesake in the ipc namespace of another known container, or the host's. Nothing
 * is looked at elsewhere unless the container has a segment with a key.
 */
export function findIpcTwins(
  files: KernelFiles,
  container: Container,
  known: readonly Container[],
): Reading<readonly IpcTwin[]> {
  const { init } = container;
  if (init === null) return absent('/proc/sysvipc/shm', 'vanished', 'the container has exited');
  return flatMapReading(readNamespace(files, init, 'ipc'), own =>
    flatMapReading(segmentsIn(files, init), segments => {
      const keyed = segments.filter(({ key }) => key !== 0);
      if (keyed.length === 0) return present([]);
      const twins: IpcTwin[] = [];
      for (const { namespace, name, member } of othersThan(files, own, known)) {
        for (const other of orElse(segmentsIn(files, member), [])) {
          const same = keyed.find(({ key, size }) => key === other.key && size === other.size);
          if (same === undefined || twins.length >= mostTwins) continue;
          twins.push({
            key: same.key,
            size: same.size,
            own: partyOf(files, own, same),
            other: partyOf(files, namespace, other),
            elsewhere: name,
          });
        }
      }
      return present(twins);
    }),
  );
}

const segmentsIn = (files: KernelFiles, member: HostPid): Reading<readonly SharedMemorySegment[]> =>
  flatMapReading(
    inNamespace(files, member, 'ipc', () => readSysvShm(files)),
    inside => inside,
  );

/** Each other ipc namespace once, by a process that is in it. */
function othersThan(files: KernelFiles, own: NamespaceId, known: readonly Container[]) {
  const candidates = [
    ...known.flatMap(({ name, init }) => (init === null ? [] : [{ name, member: init }])),
    { name: 'the host', member: hostPid(1) },
  ];
  const others = new Map<NamespaceId, { readonly name: string; readonly member: HostPid }>();
  for (const candidate of candidates) {
    const namespace = orElse(readNamespace(files, candidate.member, 'ipc'), own);
    if (namespace !== own && !others.has(namespace) && others.size < mostNamespaces)
      others.set(namespace, candidate);
  }
  return [...others].map(([namespace, other]) => ({ namespace, ...other }));
}

/** cpid is a pid of the reader's namespace; by now it may be another process's, which is then in another ipc namespace. */
function partyOf(files: KernelFiles, namespace: NamespaceId, segment: SharedMemorySegment): IpcParty {
  const { id, uid, attached } = segment;
  const pid = hostPid(segment.creator);
  const lives = pid > 0 && orElse(readNamespace(files, pid, 'ipc'), undefined) === namespace;
  const executable = lives ? readExecutable(files, pid) : undefined;
  return {
    namespace,
    id,
    uid,
    attached,
    creator: executable?.present
      ? { pid, executable: executable.value, commandLine: orElse(readCmdline(files, pid), []).slice(0, 8) }
      : null,
  };
}
