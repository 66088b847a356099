import type { KernelFiles } from '../../linux/files.ts';
import { readVirtualServiceHere } from '../../linux/net/ip_vs-service.ts';
import { type NetDevice, readDevices } from '../../linux/net/iproute/devices.ts';
import {
  type ForwardingEntry,
  type Neighbour,
  readForwardingTable,
  readNeighbours,
  readTunnelRemotes,
  type TunnelRemote,
} from '../../linux/net/iproute/neighbours.ts';
import { lookUpRoute, type RouteAnswer, type RouteQuestion } from '../../linux/net/iproute/route-get.ts';
import {
  type Qdisc,
  readQdiscs,
  readTcFilters,
  type TcFilter,
} from '../../linux/net/iproute/traffic-control.ts';
import { type PortVlans, readPortVlans } from '../../linux/net/iproute/vlans.ts';
import type { ListeningSocket } from '../../linux/net/listening-socket.ts';
import { readNamespaceIds } from '../../linux/net/namespace-ids.ts';
import type { NetworkNamespace } from '../../linux/net/network-namespaces.ts';
import { readNetCountersHere } from '../../linux/net/snmp.ts';
import { dumpListeners } from '../../linux/net/sock-diag.ts';
import { readSysctls } from '../../linux/net/sysctl.ts';
import { type RuleSets, readRuleSets } from '../../linux/netfilter/read.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../../linux/reading.ts';
import { inNamespaceAt } from '../../linux/syscalls/setns.ts';
import type { NamespaceId } from '../../linux/units.ts';

/** The network namespaces of this machine as a walk asks about them; each thing is read once, when first asked for. */
export interface NetworkView {
  readonly namespaces: readonly NetworkNamespace[];
  devices(id: NamespaceId): Reading<readonly NetDevice[]>;
  /** What only namespaces on the way are asked for. */
  inner(id: NamespaceId): Reading<NamespaceInner>;
  lookUp(id: NamespaceId, question: RouteQuestion): Reading<RouteAnswer>;
  sysctl(id: NamespaceId, name: string): string | undefined;
  forwardingTable(id: NamespaceId, bridge: string): readonly ForwardingEntry[];
  /** By port: which VLANs a bridge that looks at them takes there. */
  portVlans(id: NamespaceId): Reading<PortVlans>;
  /** Behind which hosts a VXLAN has what. */
  tunnelRemotes(id: NamespaceId, device: string): readonly TunnelRemote[];
  /** The namespace whose routes the outer packets of a tunnel take. */
  underlay(id: NamespaceId, device: NetDevice): Reading<NamespaceId>;
  qdiscs(id: NamespaceId): Reading<readonly Qdisc[]>;
  filters(id: NamespaceId, device: string, direction: 'ingress' | 'egress'): Reading<readonly TcFilter[]>;
  /** The virtual service of IPVS at an address; `client` chooses among its real servers. */
  virtualService(
    id: NamespaceId,
    client: string,
    address: string,
    port: number,
  ): ReturnType<typeof readVirtualServiceHere>;
  listeners(id: NamespaceId): Reading<readonly ListeningSocket[]>;
  /** The device that `device` of this namespace is linked to: a veth's peer, a macvlan's parent. */
  linked(id: NamespaceId, device: NetDevice): Reading<Attached>;
}

export interface Attached {
  readonly namespace: NamespaceId;
  readonly device: NetDevice;
}

export interface NamespaceInner {
  readonly neighbours: readonly Neighbour[];
  readonly rules: RuleSets;
  readonly counters: Readonly<Record<string, number>>;
  readonly tracked: { readonly count: number; readonly most: number } | null;
}

export function openNetworkView(files: KernelFiles, namespaces: readonly NetworkNamespace[]): NetworkView {
  const byId = new Map(namespaces.map(namespace => [namespace.id, namespace]));
  const visit = <T>(id: NamespaceId, action: () => Reading<T>): Reading<T> => {
    const namespace = byId.get(id);
    if (namespace === undefined)
      return absent(`network namespace ${id}`, 'vanished', 'it has ended; look again');
    return flatMapReading(inNamespaceAt(files, namespace.path, 'net', action), reading => reading);
  };
  const devices = once((id: NamespaceId) => visit(id, readDevices));
  const numbers = once((id: NamespaceId) =>
    visit(id, () => readNamespaceIds(namespaces.map(({ path }) => path))),
  );
  const sysctl = (id: NamespaceId, name: string): string | undefined => {
    const values = visit(id, () => present(readSysctls(files, [name])));
    return values.present ? values.value[name] : undefined;
  };
  const filters = once((key: string) => {
    const [id, device = '', direction] = key.split(' ');
    const way = direction === 'ingress' ? 'ingress' : 'egress';
    return visit(Number(id) as NamespaceId, () => readTcFilters(device, way));
  });
  return {
    namespaces,
    devices,
    portVlans: once((id: NamespaceId) => visit(id, readPortVlans)),
    tunnelRemotes: (id, device) =>
      orElse(
        visit(id, () => readTunnelRemotes(device)),
        [],
      ),
    underlay: (id, { name, underlay }) =>
      underlay === null
        ? present(id)
        : namespaceOf(namespaces, numbers(id), underlay, `the namespace below ${name}`),
    qdiscs: once((id: NamespaceId) => visit(id, readQdiscs)),
    filters: (id, device, direction) => filters(`${id} ${device} ${direction}`),
    virtualService: (id, client, address, port) =>
      orElse(
        visit(id, () => present(readVirtualServiceHere(files, client, address, port))),
        null,
      ),
    inner: once((id: NamespaceId) => visit(id, () => readInner(files))),
    lookUp: (id, question) => visit(id, () => lookUpRoute(question)),
    sysctl,
    forwardingTable: (id, bridge) =>
      orElse(
        visit(id, () => readForwardingTable(bridge)),
        [],
      ),
    listeners: once((id: NamespaceId) => visit(id, dumpListeners)),
    linked: (id, { name, link }) => {
      const what = `the other end of ${name}`;
      if (link === null)
        return absent(what, 'unreadable', 'it has none, or is of a kind that is not followed');
      const home =
        link.namespace === null ? present(id) : namespaceOf(namespaces, numbers(id), link.namespace, what);
      return flatMapReading(home, namespace =>
        flatMapReading(devices(namespace), all => {
          const device = all.find(({ index }) => index === link.index);
          return device === undefined
            ? absent(what, 'vanished', 'it has gone; look again')
            : present({ namespace, device });
        }),
      );
    },
  };
}

function namespaceOf(
  namespaces: readonly NetworkNamespace[],
  numbers: Reading<ReadonlyMap<string, number>>,
  number: number,
  what: string,
): Reading<NamespaceId> {
  return flatMapReading(numbers, known => {
    const found = namespaces.find(({ path }) => known.get(path) === number);
    return found === undefined
      ? absent(what, 'vanished', 'it is in a network namespace that no process is in and no mount keeps')
      : present(found.id);
  });
}

const conntrack = 'net.netfilter.nf_conntrack';

/** In the network namespace of the calling thread. */
function readInner(files: KernelFiles): Reading<NamespaceInner> {
  return flatMapReading(readNeighbours(), neighbours => {
    const tracking = readSysctls(files, [`${conntrack}_count`, `${conntrack}_max`]);
    const [count, most] = ['count', 'max'].map(name => Number(tracking[`${conntrack}_${name}`] ?? 'NaN'));
    return present({
      neighbours,
      rules: readRuleSets(files),
      counters: readNetCountersHere(files),
      tracked:
        count === undefined || most === undefined || Number.isNaN(count + most) ? null : { count, most },
    });
  });
}

function once<Key, Value>(read: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return key => {
    const there = known.get(key);
    if (there !== undefined) return there;
    const value = read(key);
    known.set(key, value);
    return value;
  };
}
