import type { Container } from '../containers/container.ts';
import type { KernelFiles } from '../linux/files.ts';
import type { Namespaces } from '../linux/namespaces.ts';
import { dumpUnixSockets, readListeningSockets } from '../linux/net/sock-diag.ts';
import {
  type Descriptor,
  eachDescriptor,
  opensForWriting,
  readDescriptorInfo,
  socketInode,
} from '../linux/proc/fd.ts';
import { readNamelessMappings } from '../linux/proc/maps.ts';
import { isProcessDescriptor, readProcessDescriptor } from '../linux/proc/pidfd.ts';
import { readStatus } from '../linux/proc/status.ts';
import { readSysvShm } from '../linux/proc/sysvipc-shm.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import { type HostPid, hostPid } from '../linux/units.ts';
import type { IsolationFacts } from './observation.ts';

/**
 * What of the host a container is seen to use, at the moment of the look: what its processes hold open or mapped. What they
 * opened and closed again is not here. Every list is cut at `most`.
 */
export interface OutsideUse {
  /** Open for writing, on mounts that the host has too; each path once. */
  readonly files: readonly OutsideFile[];
  /** Processes that are not the container's and that it has a hold of. */
  readonly processes: readonly OutsideProcess[];
  /** Unix sockets with a name, at whose other end is somebody else. */
  readonly sockets: readonly OutsideSocket[];
  /** Its listening TCP sockets in the host's network namespace. */
  readonly listeners: readonly OutsideListener[];
  /** System V memory attached in there that somebody else made, in the host's ipc namespace. */
  readonly segments: readonly OutsideSegment[];
}

interface Held {
  readonly pid: HostPid;
  readonly descriptor: number;
}
export interface OutsideFile extends Held {
  /** As the link says: a name that the container may have chosen. */
  readonly path: string;
  readonly mountPoint: string;
}
export interface OutsideProcess {
  readonly pid: HostPid;
  /** pidfd: it may send signals by it. proc: a file of it is open in /proc, its memory for one. traced: by ptrace(2). */
  readonly how: 'pidfd' | 'proc' | 'traced';
  readonly target: HostPid;
  readonly targetName: string;
}
export interface OutsideSocket extends Held {
  readonly name: string;
}
export interface OutsideListener extends Held {
  readonly address: string;
  readonly port: number;
}
export interface OutsideSegment {
  readonly pid: HostPid;
  readonly id: number;
  readonly creator: HostPid;
}

const most = 32;
const mostDescriptors = 20_000;
const mostMapped = 64;

/** What is found in, and compared with. */
export interface Surroundings {
  readonly members: readonly HostPid[];
  /** Every process of the host. */
  readonly all: readonly HostPid[];
  readonly isolation: IsolationFacts;
  readonly host: Namespaces;
}

/** Undefined where the container has nothing in common with the host: then there is nothing to look for. */
export function findOutsideUse(
  files: KernelFiles,
  container: Container,
  around: Surroundings,
): Reading<OutsideUse> | undefined {
  const { members, host, isolation } = around;
  const { init, namespaces } = container;
  const shares = (kind: 'pid' | 'net' | 'ipc'): boolean =>
    namespaces[kind] !== undefined && namespaces[kind] === host[kind];
  const mounts = mountsOfHost(isolation);
  if (init === null || !(mounts.size > 0 || shares('pid') || shares('net') || shares('ipc')))
    return undefined;
  const procs = mountsOfHost(isolation, 'proc');
  const own = new Set(members);
  const written = new Map<string, OutsideFile>();
  const processes: OutsideProcess[] = [];
  const connected = new Map<number, Held>();
  let looked = 0;
  for (const pid of members) {
    for (const descriptor of eachDescriptor(files, pid)) {
      looked += 1;
      if (looked > mostDescriptors)
        return absent(
          'what it has open',
          'disabled',
          `more than ${mostDescriptors} descriptors are open there`,
        );
      const file = writtenFile(files, pid, descriptor, mounts);
      if (file !== undefined && written.size < most && !written.has(file.path)) written.set(file.path, file);
      const inode = socketInode(descriptor.target);
      if (inode !== undefined) connected.set(inode, { pid, descriptor: descriptor.number });
      const target = heldProcess(files, pid, descriptor, procs);
      if (target === undefined || own.has(target.pid) || processes.length >= most) continue;
      processes.push({ pid, how: target.how, target: target.pid, targetName: nameOf(files, target.pid) });
    }
  }
  return present({
    files: [...written.values()],
    processes: [...processes, ...(shares('pid') ? tracedBy(files, own, around.all) : [])].slice(0, most),
    sockets: socketsOf(files, init, connected),
    listeners: shares('net') ? listenersOf(files, init, connected) : [],
    segments: shares('ipc') ? segmentsOf(files, own) : [],
  });
}

/** By mount id. A container's own root is on the host, too, where an engine made it; unless it is the host's root, it is its own. */
function mountsOfHost({ mounts, hostMounts }: IsolationFacts, kind?: 'proc'): ReadonlyMap<number, string> {
  const shared = new Set(
    hostMounts.flatMap(({ mountPoint, hostPath }) =>
      mountPoint === '/' && hostPath !== '/' ? [] : [mountPoint],
    ),
  );
  return new Map(
    mounts.flatMap(({ id, mountPoint, type }) =>
      shared.has(mountPoint) && (kind === undefined || type === kind) ? [[id, mountPoint] as const] : [],
    ),
  );
}

function writtenFile(
  files: KernelFiles,
  pid: HostPid,
  { number, target }: Descriptor,
  mounts: ReadonlyMap<number, string>,
): OutsideFile | undefined {
  if (!target.startsWith('/')) return undefined;
  const info = readDescriptorInfo(files, pid, number);
  if (!info.present || info.value.mountId === null || !opensForWriting(info.value)) return undefined;
  const mountPoint = mounts.get(info.value.mountId);
  return mountPoint === undefined ? undefined : { pid, descriptor: number, path: target, mountPoint };
}

/** A file below the host's own proc is of the process that its first directory names, wherever that proc is mounted. */
function heldProcess(
  files: KernelFiles,
  pid: HostPid,
  { number, target }: Descriptor,
  procs: ReadonlyMap<number, string>,
): { readonly how: 'pidfd' | 'proc'; readonly pid: HostPid } | undefined {
  if (isProcessDescriptor(target)) {
    const held = readProcessDescriptor(files, pid, number);
    return held.present ? { how: 'pidfd', pid: held.value } : undefined;
  }
  if (procs.size === 0 || !target.startsWith('/')) return undefined;
  const info = readDescriptorInfo(files, pid, number);
  const mountPoint = info.present && info.value.mountId !== null ? procs.get(info.value.mountId) : undefined;
  // Mount points are told from init's root, links from ours: those of a chroot begin with where it lies.
  const start = mountPoint === undefined ? -1 : target.indexOf(`${mountPoint}/`);
  if (mountPoint === undefined || start < 0) return undefined;
  const digits = /^\/(\d+)\//.exec(target.slice(start + mountPoint.length))?.[1];
  return digits === undefined ? undefined : { how: 'proc', pid: hostPid(Number(digits)) };
}

const nameOf = (files: KernelFiles, pid: HostPid): string => {
  const status = readStatus(files, pid);
  return status.present ? status.value.name : '?';
};

function tracedBy(
  files: KernelFiles,
  own: ReadonlySet<HostPid>,
  all: readonly HostPid[],
): readonly OutsideProcess[] {
  return all.flatMap(pid => {
    const status = own.has(pid) ? undefined : readStatus(files, pid);
    const tracer = status?.present ? status.value.tracer : undefined;
    if (!status?.present || tracer === undefined || !own.has(tracer)) return [];
    return [{ pid: tracer, how: 'traced' as const, target: pid, targetName: status.value.name }];
  });
}

/** The end that a server got is in the network namespace of its client, whoever has it: one dump there knows both ends. */
function socketsOf(
  files: KernelFiles,
  init: HostPid,
  own: ReadonlyMap<number, Held>,
): readonly OutsideSocket[] {
  if (own.size === 0) return [];
  const dump = flatMapReading(inNamespace(files, init, 'net', dumpUnixSockets), reading => reading);
  const found = new Map<string, OutsideSocket>();
  for (const { inode, peer, name } of orElse(dump, [])) {
    const client = peer === null ? undefined : own.get(peer);
    if (client === undefined || name === null || own.has(inode) || found.has(name)) continue;
    if (found.size < most) found.set(name, { ...client, name });
  }
  return [...found.values()];
}

const listenersOf = (
  files: KernelFiles,
  init: HostPid,
  own: ReadonlyMap<number, Held>,
): readonly OutsideListener[] =>
  orElse(readListeningSockets(files, init), [])
    .flatMap(({ inode, address, port }) => {
      const holder = own.get(inode);
      return holder === undefined ? [] : [{ ...holder, address, port }];
    })
    .slice(0, most);

function segmentsOf(files: KernelFiles, own: ReadonlySet<HostPid>): readonly OutsideSegment[] {
  const foreign = new Map(
    orElse(readSysvShm(files), []).flatMap(({ id, creator }) =>
      creator > 0 && !own.has(hostPid(creator)) ? [[id, hostPid(creator)] as const] : [],
    ),
  );
  if (foreign.size === 0) return [];
  return [...own]
    .slice(0, mostMapped)
    .flatMap(pid =>
      orElse(readNamelessMappings(files, pid), []).flatMap(({ path, inode }) => {
        const creator = path.startsWith('/SYSV') ? foreign.get(inode) : undefined;
        return creator === undefined ? [] : [{ pid, id: inode, creator }];
      }),
    )
    .slice(0, most);
}
