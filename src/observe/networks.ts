import type { KernelFiles } from '../linux/files.ts';
import { type DeviceDump, dumpDevices } from '../linux/net/devices.ts';
import { readNamespaceIds } from '../linux/net/namespace-ids.ts';
import { listNetworkNamespaces, type NetworkNamespace } from '../linux/net/network-namespaces.ts';
import type { Device } from '../linux/net/rtnetlink.ts';
import type { NetCounterReader, NetCounters } from '../linux/net/snmp.ts';
import { readStatus } from '../linux/proc/status.ts';
import { absent, mapReading, orElse, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import type { HostPid, NamespaceId } from '../linux/units.ts';

/** A network namespace of this machine, whoever is in it: packets of a container pass several. */
export interface NetworkPlace {
  readonly namespace: NamespaceId;
  /** Its oldest process, and what that is called. */
  readonly pid: HostPid;
  readonly name: string;
  /** Packets of IPv4 and what became of them in the window. */
  readonly packets: PacketGrowth;
  readonly devices: readonly PlaceDevice[];
}

/** How much the counters of `snmp` and `netstat` grew. */
export interface PacketGrowth {
  readonly received: number;
  readonly delivered: number;
  readonly forwarded: number;
  /** Received, and refused by IP itself for a counted reason: header, address, route, protocol, fragment. */
  readonly refused: number;
  /** Delivered to TCP, which had no room or found them broken. */
  readonly droppedByTcp: number;
}

export interface PlaceDevice {
  readonly name: string;
  readonly index: number;
  readonly kind: string;
  readonly mtu: number;
  readonly up: boolean;
  /** Where it leads: the other end of a veth, the device below a macvlan or ipvlan; null when it is not known. */
  readonly link: { readonly namespace: NamespaceId; readonly index: number; readonly name: string } | null;
  /** The bridge it is a port of. */
  readonly bridge: string | null;
  /** Of the queue in front of it, `fq_codel`; null for none. */
  readonly qdisc: string | null;
  /** In the window. */
  readonly received: number;
  readonly sent: number;
  /** Packets lost in the window: in the queue in front of it, by the device as it sent, and as it received. */
  readonly queueDrops: number;
  readonly sendDrops: number;
  readonly receiveDrops: number;
}

/** Somebody's device that packets came in by, whether or not it has to do with a container. */
export interface Receiver {
  readonly namespace: NamespaceId;
  readonly pid: HostPid;
  readonly name: string;
  readonly device: string;
  readonly received: number;
  /** Who is at the other end of its veth. */
  readonly sender: { readonly namespace: NamespaceId; readonly pid: HostPid; readonly name: string } | null;
}

/** Looked at only when few containers are asked about, and these many at most, those next to the containers first: 2 ms each. */
const mostPlaces = 128;
/** Those whose numbers are asked for, so that a device that leads there is known to: 30 µs each. */
const mostNumbered = 1024;
/** Of a place, those that moved or lost something first. */
const mostDevices = 64;

interface PlaceSample {
  readonly place: NetworkNamespace & { readonly pid: HostPid };
  readonly counters: NetCounters;
  readonly dump: DeviceDump;
  /** The namespaces that this one has numbers for. */
  readonly known: ReadonlyMap<number, NamespaceId>;
}

/** By namespace; those in which nothing runs are left out: nobody could look at their counters. */
export type PlacesSample = ReadonlyMap<NamespaceId, PlaceSample>;

export function samplePlaces(
  files: KernelFiles,
  readCounters: NetCounterReader,
  begin: readonly NamespaceId[],
): Reading<PlacesSample> {
  return mapReading(listNetworkNamespaces(files), namespaces => {
    const inhabited = namespaces.flatMap(({ pid, ...rest }) => (pid === null ? [] : [{ ...rest, pid }]));
    const byId = new Map(inhabited.map(place => [place.id, place]));
    const numbered = inhabited.slice(0, mostNumbered);
    const look = (place: PlaceSample['place']): PlaceSample | undefined => {
      const counters = readCounters(place.pid);
      const visit = inNamespace(files, place.pid, 'net', () => ({
        dump: dumpDevices(),
        ids: readNamespaceIds(numbered.map(({ path }) => path)),
      }));
      if (!counters.present || !visit.present || !visit.value.dump.present) return undefined;
      const ids = orElse(visit.value.ids, new Map<string, number>());
      const known = new Map(
        numbered.flatMap(({ path, id }) => {
          const number = ids.get(path);
          return number === undefined ? [] : [[number, id] as const];
        }),
      );
      return { place, counters: counters.value, dump: visit.value.dump.value, known };
    };
    const sample = new Map<NamespaceId, PlaceSample>();
    const near = [...begin];
    const rest = inhabited.map(({ id }) => id);
    const seen = new Set<NamespaceId>();
    for (let id = near.shift() ?? rest.shift(); id !== undefined; id = near.shift() ?? rest.shift()) {
      const place = seen.has(id) ? undefined : byId.get(id);
      seen.add(id);
      const found = place === undefined ? undefined : look(place);
      if (found === undefined) continue;
      sample.set(id, found);
      if (sample.size >= mostPlaces) break;
      for (const { linkNamespace } of found.dump.devices)
        if (linkNamespace !== null)
          near.push(...[found.known.get(linkNamespace)].filter(each => each !== undefined));
    }
    return sample;
  });
}

/** Those that `begin` (the containers' own) are connected with by devices, and themselves: where their packets come. */
export function finishPlaces(
  files: KernelFiles,
  begin: readonly NamespaceId[],
  first: Reading<PlacesSample>,
  last: Reading<PlacesSample>,
): Reading<readonly NetworkPlace[]> {
  if (!first.present) return first;
  return mapReading(last, places => {
    const reached = reachedFrom(begin, places);
    return [...places].flatMap(([namespace, after]) => {
      const before = first.value.get(namespace);
      if (before === undefined || !reached.has(namespace)) return [];
      return [
        {
          namespace,
          pid: after.place.pid,
          name: nameOf(files, after.place.pid),
          packets: packetGrowth(before.counters, after.counters),
          devices: devicesOf(before.dump, after, places),
        },
      ];
    });
  });
}

const nameOf = (files: KernelFiles, pid: HostPid): string =>
  orElse(
    mapReading(readStatus(files, pid), ({ name }) => name),
    'a process',
  );

const mostReceivers = 4;

/** The devices that received most in the window, in all the namespaces that were looked at. */
export function receiversBetween(
  files: KernelFiles,
  first: Reading<PlacesSample>,
  last: Reading<PlacesSample>,
): Reading<readonly Receiver[]> {
  if (!first.present) return first;
  return mapReading(last, places => {
    const who = ({ place: { id, pid } }: PlaceSample) => ({ namespace: id, pid, name: nameOf(files, pid) });
    return [...places]
      .flatMap(([namespace, after]) => {
        const before = first.value.get(namespace);
        return before === undefined
          ? []
          : devicesOf(before.dump, after, places).map(device => ({ after, device }));
      })
      .filter(({ device }) => device.received > 0 && device.kind !== 'loopback')
      .sort((a, b) => b.device.received - a.device.received)
      .slice(0, mostReceivers)
      .map(({ after, device }) => {
        const there =
          device.kind === 'veth' && device.link !== null ? places.get(device.link.namespace) : undefined;
        return {
          ...who(after),
          ...{ device: device.name, received: device.received },
          sender: there === undefined ? null : who(there),
        };
      });
  });
}

function reachedFrom(begin: readonly NamespaceId[], places: PlacesSample): ReadonlySet<NamespaceId> {
  const reached = new Set<NamespaceId>();
  const waiting = [...begin];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const sample = places.get(next);
    if (sample === undefined || reached.has(next)) continue;
    reached.add(next);
    for (const device of sample.dump.devices) {
      const link = linkOf(device, sample, places);
      if (link !== null) waiting.push(link.namespace);
    }
    // A macvlan leads to the device below it, and not the other way.
    for (const [namespace, other] of places)
      if (other.dump.devices.some(device => linkOf(device, other, places)?.namespace === next))
        waiting.push(namespace);
  }
  return reached;
}

export const placesNotAsked: Reading<never> = absent(
  'the network namespaces of this machine',
  'disabled',
  'look at this container alone: glassbox diagnose NAME',
);

function packetGrowth(before: NetCounters, after: NetCounters): PacketGrowth {
  const grown = (...names: readonly string[]): number =>
    names.reduce((sum, name) => sum + Math.max(0, (after[name] ?? 0) - (before[name] ?? 0)), 0);
  return {
    received: grown('Ip.InReceives'),
    delivered: grown('Ip.InDelivers'),
    forwarded: grown('Ip.ForwDatagrams'),
    refused: grown(
      ...['Ip.InHdrErrors', 'Ip.InAddrErrors', 'Ip.InUnknownProtos', 'Ip.InDiscards', 'IpExt.InNoRoutes'],
      ...['IpExt.InTruncatedPkts', 'Ip.FragFails', 'Ip.ReasmReqds'],
    ),
    droppedByTcp: grown(
      ...['Tcp.InErrs', 'TcpExt.TCPBacklogDrop', 'TcpExt.TCPRcvQDrop', 'TcpExt.TCPMinTTLDrop'],
      ...['TcpExt.PFMemallocDrop', 'TcpExt.TCPZeroWindowDrop', 'TcpExt.TCPOFODrop'],
    ),
  };
}

function devicesOf(before: DeviceDump, after: PlaceSample, places: PlacesSample): readonly PlaceDevice[] {
  const { devices, qdiscs } = after.dump;
  const earlier = new Map(before.devices.map(device => [device.index, device]));
  const roots = new Map(qdiscs.filter(({ isRoot }) => isRoot).map(qdisc => [qdisc.device, qdisc]));
  const rootsBefore = new Map(
    before.qdiscs.filter(({ isRoot }) => isRoot).map(qdisc => [qdisc.device, qdisc]),
  );
  const names = new Map(devices.map(({ index, name }) => [index, name]));
  return devices
    .map(device => {
      const { index, stats } = device;
      const then = earlier.get(index)?.stats ?? stats;
      const root = roots.get(index);
      const rootBefore = rootsBefore.get(index);
      const grown = (now: number, past: number): number => Math.max(0, now - past);
      return {
        name: device.name,
        index,
        kind: device.loopback ? 'loopback' : device.kind,
        mtu: device.mtu,
        up: device.up && device.carrier,
        link: linkOf(device, after, places),
        bridge: device.master === null ? null : (names.get(device.master) ?? null),
        qdisc: root?.kind ?? null,
        received: grown(stats.received, then.received),
        sent: grown(stats.sent, then.sent),
        // A queue that was made within the window has counted from zero.
        queueDrops: grown(root?.drops ?? 0, rootBefore?.kind === root?.kind ? (rootBefore?.drops ?? 0) : 0),
        sendDrops: grown(stats.sendDropped + stats.sendErrors, then.sendDropped + then.sendErrors),
        receiveDrops: grown(
          stats.receiveDropped + stats.receiveErrors,
          then.receiveDropped + then.receiveErrors,
        ),
      };
    })
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, mostDevices);
}

const weight = (device: PlaceDevice): number =>
  1e9 * Math.min(1, device.queueDrops + device.sendDrops + device.receiveDrops) +
  device.received +
  device.sent;

function linkOf(
  { link, linkNamespace }: Device,
  { place, known }: PlaceSample,
  places: PlacesSample,
): PlaceDevice['link'] {
  if (link === null || link === 0) return null;
  const namespace = linkNamespace === null ? place.id : known.get(linkNamespace);
  if (namespace === undefined) return null;
  const name = places.get(namespace)?.dump.devices.find(({ index }) => index === link)?.name;
  return name === undefined ? null : { namespace, index: link, name };
}
