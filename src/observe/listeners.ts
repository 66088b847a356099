import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import type { ListeningSocket } from '../linux/net/listening-socket.ts';
import { listDescriptors, socketInode } from '../linux/proc/fd.ts';
import { listProcesses } from '../linux/proc/process.ts';
import { mapReading, orElse, type Reading } from '../linux/reading.ts';
import type { HostPid, NamespaceId } from '../linux/units.ts';
import type { Listener } from './observation.ts';

/** Drops of each listening socket at the beginning of the window, by inode; a socket not in it had none. */
export type DropsByInode = ReadonlyMap<number, number>;

const maxListeners = 1000;
/** 3 µs each. */
const maxDescriptors = 20_000;

export const dropsByInode = (sockets: readonly ListeningSocket[]): DropsByInode =>
  new Map(sockets.map(({ inode, drops }) => [inode, drops.present ? drops.value : 0]));

/** Worst first, so that what does not fit is what nobody asks about. */
export function toListeners(
  files: KernelFiles,
  sockets: readonly ListeningSocket[],
  before: Reading<DropsByInode>,
  namespace: NamespaceId,
  members: readonly HostPid[],
): readonly Listener[] {
  const listeners = sockets
    .map(socket => toListener(socket, before))
    .sort((a, b) => dropsOf(b) - dropsOf(a) || b.queued - a.queued || a.port - b.port)
    .slice(0, maxListeners);
  const troubled = new Set(listeners.filter(isTroubled).map(({ inode }) => inode));
  const owners = findSocketOwners(files, troubled, namespace, members);
  return listeners.map(listener => ({ ...listener, process: owners.get(listener.inode) ?? null }));
}

type Unowned = Omit<Listener, 'process'>;

/** Dropped something just now, or is full; without figures for that, whatever has somebody waiting. */
const isTroubled = ({ queued, backlog, dropped }: Unowned): boolean =>
  (dropped.present && dropped.value.inWindow > 0) || (backlog.present ? queued > backlog.value : queued > 0);

const dropsOf = ({ dropped }: Unowned): number => (dropped.present ? dropped.value.total : 0);

function toListener(
  { address, port, queued, backlog, drops, inode }: ListeningSocket,
  before: Reading<DropsByInode>,
): Unowned {
  const dropped = drops.present
    ? mapReading(before, table => {
        const earlier = table.get(inode) ?? 0;
        return { total: drops.value, inWindow: Math.max(0, drops.value - earlier) };
      })
    : drops;
  return { address, port, queued, backlog, dropped, inode };
}

/**
 * Whose descriptors hold these sockets: a member of the containers at hand, else anybody in the network namespace,
 * such as the neighbour in a pod that nobody asked about.
 */
export function findSocketOwners(
  files: KernelFiles,
  inodes: ReadonlySet<number>,
  namespace: NamespaceId,
  members: readonly HostPid[],
): ReadonlyMap<number, HostPid> {
  const owners = new Map<number, HostPid>();
  const budget = { descriptors: maxDescriptors };
  lookThrough(files, members, inodes, owners, budget);
  if (owners.size < inodes.size)
    lookThrough(files, processesIn(files, namespace, new Set(members)), inodes, owners, budget);
  return owners;
}

/** The lowest pid holds it first, which among pre-forked workers is the parent. */
function lookThrough(
  files: KernelFiles,
  processes: readonly HostPid[],
  inodes: ReadonlySet<number>,
  owners: Map<number, HostPid>,
  budget: { descriptors: number },
): void {
  for (const pid of [...processes].sort((a, b) => a - b)) {
    if (owners.size >= inodes.size || budget.descriptors <= 0) break;
    const descriptors = listDescriptors(files, pid);
    if (!descriptors.present) continue;
    budget.descriptors -= descriptors.value.length;
    for (const { target } of descriptors.value) {
      const inode = socketInode(target);
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    }
  }
}

function processesIn(
  files: KernelFiles,
  namespace: NamespaceId,
  known: ReadonlySet<HostPid>,
): readonly HostPid[] {
  return orElse(listProcesses(files), []).filter(
    pid => !known.has(pid) && orElse(readNamespace(files, pid, 'net'), undefined) === namespace,
  );
}
