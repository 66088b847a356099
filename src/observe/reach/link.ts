import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import { isSameAddress } from '../../linux/netfilter/addresses.ts';
import { absent, orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import type { AddressHolder, LegEnd, Segment } from './path.ts';
import type { Attached, NetworkView } from './view.ts';

/** Where a frame that leaves by a device for a next hop arrives, and what it crosses. */
export interface Crossing {
  readonly crossed: readonly Segment[];
  /** Bridges that it merely passes, from port to port. */
  readonly bridged: readonly Attached[];
  /** All that have the address of the next hop on this link. */
  readonly holders: readonly AddressHolder[];
  readonly at: Attached | null;
  /** Why it does not arrive anywhere; null when it does. */
  readonly end: LegEnd | null;
}

export interface Frame {
  readonly nextHop: string;
  /** The link-layer address that the sender has for it, when it has one: with two holders it decides. */
  readonly mac: string | null;
}

interface Context {
  readonly view: NetworkView;
  readonly frame: Frame;
  readonly placeOf: (id: NamespaceId) => string;
  readonly crossed: Segment[];
  readonly bridged: Attached[];
}

/** A bridge with more ports than this is not searched for a second holder of an address: 5 ms a namespace. */
const mostPorts = 64;
const deepest = 8;

export function crossLink(
  view: NetworkView,
  from: Attached,
  frame: Frame,
  placeOf: (id: NamespaceId) => string,
): Crossing {
  return leave({ view, frame, placeOf, crossed: [], bridged: [] }, from, 0);
}

const ended = ({ crossed, bridged }: Context, end: LegEnd): Crossing => ({
  crossed,
  bridged,
  holders: [],
  at: null,
  end,
});
const faulty = (
  context: Context,
  { namespace, device }: Attached,
  how: 'down' | 'no-carrier' | 'port',
): Crossing =>
  ended(context, { kind: 'link-down', device: device.name, place: context.placeOf(namespace), how });
const unseen = (context: Context, what: string, remedy: string): Crossing =>
  ended(context, { kind: 'unseen', missing: absent(what, 'unreadable', remedy) });

function leave(context: Context, from: Attached, depth: number): Crossing {
  const { namespace, device } = from;
  if (depth > deepest)
    return unseen(context, `the link of ${device.name}`, 'it is nested too deeply; follow it by hand');
  if (!device.up) return faulty(context, from, 'down');
  switch (device.kind) {
    case 'bridge':
      return crossBridge(context, from, null, depth);
    case 'veth': {
      const peer = context.view.linked(namespace, device);
      if (!peer.present) return ended(context, { kind: 'unseen', missing: peer });
      if (!peer.value.device.up) return faulty(context, peer.value, 'down');
      return arrive(context, peer.value, depth);
    }
    case 'macvlan':
    case 'macvtap':
    case 'ipvlan': {
      const parent = context.view.linked(namespace, device);
      if (!parent.present) return ended(context, { kind: 'unseen', missing: parent });
      return overParent(context, from, parent.value, depth);
    }
    case 'vlan': {
      const parent = context.view.linked(namespace, device);
      if (!parent.present) return ended(context, { kind: 'unseen', missing: parent });
      return leave(context, parent.value, depth + 1);
    }
    case null:
      if (!device.carrier) return faulty(context, from, 'no-carrier');
      return ended(context, { kind: 'left', device: device.name });
    default:
      return unseen(
        context,
        `the way beyond ${device.name}`,
        `a ${device.kind} is not followed: look at its other end`,
      );
  }
}

/** A frame comes in by a device: at a port of a bridge it goes on, else it has arrived. */
function arrive(context: Context, at: Attached, depth: number): Crossing {
  const { view, crossed, frame } = context;
  const { namespace, device } = at;
  if (device.master !== null) {
    const master = orElse(view.devices(namespace), []).find(({ name }) => name === device.master);
    if (master?.kind === 'bridge') return crossBridge(context, { namespace, device: master }, device, depth);
  }
  const child = childrenOf(view, at).find(each => hasAddress(each.device, frame.nextHop));
  crossed.push({ place: context.placeOf(namespace), device: device.name, kind: 'wire', mtu: device.mtu });
  return {
    crossed,
    bridged: context.bridged,
    holders: [holderOf(context, child ?? at)],
    at: child ?? at,
    end: null,
  };
}

/** Siblings on the same parent are reached directly; all else is on the parent's wire. */
function overParent(context: Context, from: Attached, parent: Attached, depth: number): Crossing {
  if (!parent.device.up) return faulty(context, parent, 'down');
  context.crossed.push({
    place: context.placeOf(parent.namespace),
    device: parent.device.name,
    kind: 'macvlan',
    mtu: parent.device.mtu,
  });
  const siblings = childrenOf(context.view, parent).filter(
    each => !isSame(each, from) && hasAddress(each.device, context.frame.nextHop),
  );
  const [sibling] = siblings;
  if (sibling !== undefined && !sibling.device.up) return faulty(context, sibling, 'down');
  if (sibling !== undefined) return among(context, siblings);
  return leave(context, parent, depth + 1);
}

/** The macvlan and ipvlan devices over a device, wherever they are. */
const childrenOf = (view: NetworkView, parent: Attached): readonly Attached[] =>
  view.namespaces.slice(0, mostPorts * 4).flatMap(({ id }) =>
    orElse(view.devices(id), [])
      .filter(({ kind }) => kind === 'macvlan' || kind === 'ipvlan' || kind === 'macvtap')
      .flatMap(device => {
        const linked = view.linked(id, device);
        return linked.present && isSame(linked.value, parent) ? [{ namespace: id, device }] : [];
      }),
  );

function crossBridge(context: Context, bridge: Attached, inPort: NetDevice | null, depth: number): Crossing {
  const { view, frame, crossed } = context;
  if (!bridge.device.up) return faulty(context, bridge, 'down');
  if (inPort !== null && inPort.portState !== null && inPort.portState !== 'forwarding')
    return faulty(context, { namespace: bridge.namespace, device: inPort }, 'port');
  const local = orElse(view.devices(bridge.namespace), []);
  const segment: Segment = {
    place: context.placeOf(bridge.namespace),
    device: bridge.device.name,
    kind: 'bridge',
    mtu: Math.min(bridge.device.mtu, inPort?.mtu ?? bridge.device.mtu),
  };
  crossed.push(segment);
  const ports = local.filter(({ master, name }) => master === bridge.device.name && name !== inPort?.name);
  const learnt =
    frame.mac === null
      ? undefined
      : view
          .forwardingTable(bridge.namespace, bridge.device.name)
          .find(({ mac, own }) => mac === frame.mac && !own)?.port;
  const searched = [
    ...ports.filter(({ name }) => name === learnt),
    ...ports.filter(({ name }) => name !== learnt).slice(0, mostPorts),
  ];
  const behind = searched.flatMap(port => {
    const peer = port.kind === 'veth' ? view.linked(bridge.namespace, port) : undefined;
    return peer?.present && hasAddress(peer.value.device, frame.nextHop) ? [{ port, ...peer.value }] : [];
  });
  const here = inPort !== null && local.some(device => hasAddress(device, frame.nextHop));
  const all: readonly Attached[] = [...(here ? [bridge] : []), ...behind];
  if (all.length > 0) {
    const crossing = among(context, all);
    const port = behind.find(
      ({ device, namespace }) => crossing.at !== null && isSame(crossing.at, { device, namespace }),
    )?.port;
    if (port === undefined) return crossing;
    if (inPort !== null) context.bridged.push(bridge);
    if (!port.up) return faulty(context, { namespace: bridge.namespace, device: port }, 'down');
    if (crossing.at !== null && !crossing.at.device.up) return faulty(context, crossing.at, 'down');
    if (port.portState !== null && port.portState !== 'forwarding')
      return faulty(context, { namespace: bridge.namespace, device: port }, 'port');
    crossed[crossed.length - 1] = { ...segment, mtu: Math.min(segment.mtu, port.mtu) };
    crossed.push({
      place: context.placeOf(crossing.at?.namespace ?? bridge.namespace),
      device: crossing.at?.device.name ?? '',
      kind: 'wire',
      mtu: crossing.at?.device.mtu ?? segment.mtu,
    });
    return crossing;
  }
  const uplink = ports.find(({ kind }) => kind !== 'veth');
  if (uplink !== undefined && inPort !== null) context.bridged.push(bridge);
  if (uplink !== undefined) return leave(context, { namespace: bridge.namespace, device: uplink }, depth + 1);
  if (ports.length > mostPorts)
    return unseen(
      context,
      `who has ${frame.nextHop}`,
      `${bridge.device.name} has ${ports.length} ports; look at its neighbours by hand`,
    );
  return ended(context, { kind: 'nobody', address: frame.nextHop });
}

/** One of those who have the address: the one that the sender's neighbour entry names, else the first. */
function among(context: Context, all: readonly Attached[]): Crossing {
  const chosen = all.find(({ device }) => device.mac === context.frame.mac) ?? all[0] ?? null;
  return {
    crossed: context.crossed,
    bridged: context.bridged,
    holders: all.map(each => holderOf(context, each)),
    at: chosen,
    end: null,
  };
}

const holderOf = ({ placeOf }: Context, { namespace, device }: Attached): AddressHolder => ({
  place: placeOf(namespace),
  namespace,
  device: device.name,
  mac: device.mac,
});

export const hasAddress = ({ addresses }: NetDevice, wanted: string): boolean =>
  addresses.some(({ address, duplicate }) => duplicate !== 'failed' && isSameAddress(address, wanted));

const isSame = (one: Attached, other: Attached): boolean =>
  one.namespace === other.namespace && one.device.index === other.device.index;
