import { type KernelFiles, readParsed } from '../linux/files.ts';
import { type SocketView, tcpStates } from '../linux/net/connections.ts';
import { parseRoutes } from '../linux/net/route.ts';
import { dumpListeners, eachConnection } from '../linux/net/sock-diag.ts';
import { readCmdline } from '../linux/proc/cmdline.ts';
import { listDescriptors, socketInode } from '../linux/proc/fd.ts';
import { orElse, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import type { HostPid, NamespaceId } from '../linux/units.ts';
import { findSocketOwners } from './listeners.ts';

/**
 * A program in another network namespace of this machine that takes connections on a port and hands what comes to the
 * container over connections of its own: docker-proxy, a port forwarder, a reverse proxy.
 */
export interface Relay {
  readonly pid: HostPid;
  /** argv; the first words of it. */
  readonly commandLine: readonly string[];
  readonly namespace: NamespaceId;
  /** Where it listens, those ports that somebody is connected to. */
  readonly ports: readonly number[];
  /** Where it connects to in the container, and as whom it is seen there. */
  readonly target: string;
  readonly targetPort: number;
  readonly seenAs: string;
  /** Its connections to the container now. */
  readonly connections: number;
  /** Addresses of those connected to it, at most 8, and how many connections come from other machines or namespaces. */
  readonly clients: readonly string[];
  readonly clientsFromElsewhere: number;
}

/** Of the routes of IPv4: where everything goes that is not next door. */
export const readGateways = (files: KernelFiles, pid: HostPid): ReadonlySet<string> =>
  new Set(
    orElse(
      readParsed(files, `/proc/${pid}/net/route`, text => parseRoutes(text)),
      [],
    ).flatMap(({ gateway }) => (gateway === '0.0.0.0' ? [] : [gateway])),
  );

interface Place {
  readonly namespace: NamespaceId;
  readonly pid: HostPid;
}

const mostConnections = 256;
const mostClients = 8;
const established = 1;

/** `a:p b:q` as seen from one end. */
const name = (local: string, localPort: number, remote: string, remotePort: number): string =>
  `${unmapped(local)} ${localPort} ${unmapped(remote)} ${remotePort}`;

/** A listener on [::] has IPv4 clients by mapped addresses, of which the other end knows nothing. */
const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '');

/**
 * Connections to the container that seem to come from its gateway, as the other end would name them: a client behind
 * the gateway has an address of its own, unless somebody hid it. Asked in the container's network namespace.
 */
export function inboundConnections(
  listening: ReadonlySet<number>,
  gateways: ReadonlySet<string>,
): ReadonlySet<string> {
  const inbound = new Set<string>();
  if (gateways.size === 0) return inbound;
  eachConnection(
    socket => {
      if (socket.state !== established || !listening.has(socket.localPort)) return;
      const { local, localPort, remote, remotePort } = socket.keep();
      if (gateways.has(unmapped(remote))) inbound.add(name(remote, remotePort, local, localPort));
    },
    () => inbound.size < mostConnections,
  );
  return inbound;
}

const isLoopback = (address: string): boolean => unmapped(address).startsWith('127.') || address === '::1';

/** Who of the other namespaces is at the other end of these, and listens there for others. */
export function findRelays(
  files: KernelFiles,
  inbound: ReadonlySet<string>,
  places: readonly Place[],
): readonly Relay[] {
  if (inbound.size === 0) return [];
  return places.flatMap(place => {
    const visit = inNamespace(files, place.pid, 'net', () => {
      const ends: ReturnType<SocketView['keep']>[] = [];
      eachConnection(
        socket => {
          if (socket.state !== established || socket.inode === 0) return;
          const kept = socket.keep();
          if (inbound.has(name(kept.local, kept.localPort, kept.remote, kept.remotePort))) ends.push(kept);
        },
        () => ends.length < mostConnections,
      );
      return ends;
    });
    if (!visit.present || visit.value.length === 0) return [];
    const owners = findSocketOwners(
      files,
      new Set(visit.value.map(({ inode }) => inode)),
      place.namespace,
      [],
    );
    return [...new Set(owners.values())].flatMap(pid =>
      describeRelay(
        files,
        place,
        pid,
        visit.value.filter(({ inode }) => owners.get(inode) === pid),
      ),
    );
  });
}

function describeRelay(
  files: KernelFiles,
  place: Place,
  pid: HostPid,
  ends: readonly ReturnType<SocketView['keep']>[],
): readonly Relay[] {
  const [example] = ends;
  const held = inodesOf(files, pid);
  if (example === undefined || held.size === 0) return [];
  const visit = inNamespace(files, place.pid, 'net', () => {
    const ports = new Set(
      orElse(dumpListeners(), [])
        .filter(({ inode }) => held.has(inode))
        .map(({ port }) => port),
    );
    const clients: { readonly local: string; readonly remote: string; readonly port: number }[] = [];
    if (ports.size > 0)
      eachConnection(
        socket => {
          if (!ports.has(socket.localPort) || !held.has(socket.inode)) return;
          if (tcpStates[socket.state] !== 'ESTAB') return;
          const { local, remote } = socket.keep();
          clients.push({ local, remote, port: socket.localPort });
        },
        () => clients.length < mostConnections,
      );
    return clients;
  });
  // A client of the container's that listens for nobody is a client.
  if (!visit.present || visit.value.length === 0) return [];
  const clients = visit.value;
  return [
    {
      pid,
      commandLine: commandLineOf(files, pid),
      namespace: place.namespace,
      ports: [...new Set(clients.map(({ port }) => port))].sort((a, b) => a - b),
      target: unmapped(example.remote),
      targetPort: example.remotePort,
      seenAs: unmapped(example.local),
      connections: ends.length,
      clients: [...new Set(clients.map(({ remote }) => unmapped(remote)))].slice(0, mostClients),
      clientsFromElsewhere: clients.filter(({ local, remote }) => !isLoopback(remote) && remote !== local)
        .length,
    },
  ];
}

function inodesOf(files: KernelFiles, pid: HostPid): ReadonlySet<number> {
  const inodes = orElse(listDescriptors(files, pid), []).map(({ target }) => socketInode(target));
  return new Set(inodes.filter(inode => inode !== undefined));
}

const commandLineOf = (files: KernelFiles, pid: HostPid): readonly string[] => {
  const words: Reading<readonly string[]> = readCmdline(files, pid);
  return orElse(words, []).slice(0, 16);
};
