import type { KernelFiles } from '../linux/files.ts';
import type { ListeningSocket } from '../linux/net/listening-socket.ts';
import { listDescriptors, socketInode } from '../linux/proc/fd.ts';
import { mapReading, type Reading } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';
import type { Listener } from './observation.ts';

/** Drops of each listening socket at the beginning of the window, by inode; a socket not in it had none. */
export type DropsByInode = ReadonlyMap<number, number>;

const maxListeners = 1000;
const maxDescriptors = 100_000;

export const dropsByInode = (sockets: readonly ListeningSocket[]): DropsByInode =>
  new Map(sockets.map(({ inode, drops }) => [inode, drops.present ? drops.value : 0]));

/** Worst first, so that what does not fit is what nobody asks about. */
export function toListeners(
  files: KernelFiles,
  sockets: readonly ListeningSocket[],
  before: Reading<DropsByInode>,
  processes: readonly HostPid[],
): readonly Listener[] {
  const troubled = new Set(sockets.filter(isTroubled).map(({ inode }) => inode));
  const owners = findSocketOwners(files, troubled, processes);
  return sockets
    .map(socket => toListener(socket, before, owners))
    .sort((a, b) => dropsOf(b) - dropsOf(a) || b.queued - a.queued || a.port - b.port)
    .slice(0, maxListeners);
}

const isTroubled = ({ queued, backlog, drops }: ListeningSocket): boolean =>
  (drops.present && drops.value > 0) || (backlog.present ? queued > backlog.value : queued > 0);

const dropsOf = ({ dropped }: Listener): number => (dropped.present ? dropped.value.total : 0);

function toListener(
  { address, port, queued, backlog, drops, inode }: ListeningSocket,
  before: Reading<DropsByInode>,
  owners: ReadonlyMap<number, HostPid>,
): Listener {
  const dropped = drops.present
    ? mapReading(before, table => {
        const earlier = table.get(inode) ?? 0;
        return { total: drops.value, inWindow: Math.max(0, drops.value - earlier) };
      })
    : drops;
  return { address, port, queued, backlog, dropped, inode, process: owners.get(inode) ?? null };
}

/** Whose descriptors hold these sockets: the lowest pid, which among pre-forked workers is the parent. */
function findSocketOwners(
  files: KernelFiles,
  inodes: ReadonlySet<number>,
  processes: readonly HostPid[],
): ReadonlyMap<number, HostPid> {
  const owners = new Map<number, HostPid>();
  let looked = 0;
  for (const pid of [...processes].sort((a, b) => a - b)) {
    if (owners.size >= inodes.size || looked > maxDescriptors) break;
    const descriptors = listDescriptors(files, pid);
    if (!descriptors.present) continue;
    looked += descriptors.value.length;
    for (const { target } of descriptors.value) {
      const inode = socketInode(target);
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    }
  }
  return owners;
}
