import type { VirtualService } from '../../src/linux/net/ip_vs-service.ts';
import type { NetDevice } from '../../src/linux/net/iproute/devices.ts';
import type { LinkDetail } from '../../src/linux/net/iproute/link-detail.ts';
import type { RouteAnswer, RouteQuestion } from '../../src/linux/net/iproute/route-get.ts';
import type { PortVlans } from '../../src/linux/net/iproute/vlans.ts';
import { absent, present } from '../../src/linux/reading.ts';
import { type NamespaceId, namespaceId } from '../../src/linux/units.ts';
import type { NetworkView } from '../../src/observe/reach/view.ts';

/** Network namespaces that exist only on paper, for walks over links that this kernel may not have. */
export interface PaperNamespace {
  readonly devices: readonly NetDevice[];
  /** The kernel's answer to a route lookup; refused when undefined. */
  route(question: RouteQuestion): Partial<Extract<RouteAnswer, { kind: 'unicast' | 'local' }>> | undefined;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly vlans?: PortVlans;
  readonly service?: VirtualService;
}

let index = 0;
/** With an index of its own; `link` is filled in by `cable` and `over`. */
export function paperDevice(name: string, change: Partial<NetDevice> = {}): NetDevice {
  index += 1;
  return {
    ...{ index, name, kind: 'veth', mac: `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`, mtu: 1500 },
    ...{ up: true, carrier: true, addresses: [], link: null, detail: null, underlay: null, xdp: null },
    ...{
      master: null,
      portState: null,
      isolated: false,
      callsIptables: false,
      callsIp6tables: false,
      filtersVlans: false,
    },
    ...{ received: 0, sent: 0, receiveDropped: 0, sendDropped: 0 },
    ...change,
  };
}

export const withAddress = (address: string): Pick<NetDevice, 'addresses'> => ({
  addresses: [{ address, prefixLength: 24 }],
});

/** A device on top of another one of the same namespace, such as a VLAN. */
export const over = (below: NetDevice, name: string, kind: string, detail: LinkDetail): NetDevice =>
  paperDevice(name, { kind, detail, link: { index: below.index, namespace: null } });

export const idOf = (place: string): NamespaceId => namespaceId(4_026_533_000 + place.charCodeAt(0));

/**
 * Places by name; `wires` pairs devices of different ones, and what is above or below across places:
 * `[lower place, device, upper place, device]`.
 */
export function paperView(
  places: Readonly<Record<string, PaperNamespace>>,
  wires: readonly (readonly [string, string])[] = [],
): NetworkView {
  const names = Object.keys(places);
  const placeOf = (id: NamespaceId): PaperNamespace | undefined =>
    places[names.find(name => idOf(name) === id) ?? ''];
  const devicesOf = (id: NamespaceId) => placeOf(id)?.devices ?? [];
  return {
    namespaces: names.map(name => ({ id: idOf(name), path: `/run/netns/${name}`, pid: null })),
    devices: id => present(devicesOf(id)),
    inner: () => present({ neighbours: [], rules: { sets: [], unread: [] }, counters: {}, tracked: null }),
    lookUp: (id, question) => {
      const answer = placeOf(id)?.route(question);
      return present(
        answer === undefined
          ? { kind: 'refused', error: 'ENETUNREACH', says: 'Network is unreachable' }
          : { ...{ kind: 'unicast', device: 'lo', gateway: null, source: null, mtu: null }, ...answer },
      );
    },
    sysctl: (id, name) => placeOf(id)?.sysctls?.[name],
    forwardingTable: () => [],
    portVlans: id => present(placeOf(id)?.vlans ?? new Map()),
    tunnelRemotes: () => [],
    underlay: id => present(id),
    qdiscs: () => present([]),
    filters: () => present([]),
    virtualService: (id, _client, address, port) => {
      const { service } = placeOf(id) ?? {};
      return service?.name.includes(`${address}:${port}`) ? { ...service, chosen: null } : null;
    },
    listeners: () => present([]),
    linked: (id, device) => {
      if (device.link?.namespace === null) {
        const below = devicesOf(id).find(each => each.index === device.link?.index);
        if (below !== undefined) return present({ namespace: id, device: below });
      }
      const own = `${names.find(name => idOf(name) === id)} ${device.name}`;
      const wire = wires.find(pair => pair.includes(own));
      const [place = '', name] = (wire?.[0] === own ? wire[1] : wire?.[0])?.split(' ') ?? [];
      const peer = places[place]?.devices.find(each => each.name === name);
      return peer === undefined
        ? absent(`the other end of ${device.name}`, 'vanished', 'look again')
        : present({ namespace: idOf(place), device: peer });
    },
  };
}
