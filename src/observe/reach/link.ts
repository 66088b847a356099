import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import { orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import { vlansOf } from './bridge-vlans.ts';
import {
  type Context,
  type Crossing,
  contextOf,
  crossing,
  ended,
  type Frame,
  faulty,
  hasAddress,
  holderOf,
  isSame,
  unseen,
} from './crossing.ts';
import type { Segment } from './path.ts';
import { enterTunnel } from './tunnel.ts';
import type { Attached, NetworkView } from './view.ts';

/** A bridge with more ports than this is not searched for a second holder of an address: 5 ms a namespace. */
const mostPorts = 64;
const deepest = 8;

export function crossLink(
  view: NetworkView,
  from: Attached,
  frame: Frame,
  placeOf: (id: NamespaceId) => string,
): Crossing {
  return leave(contextOf(view, frame, placeOf), from, 0);
}

/** A frame that comes out of a tunnel by this device. */
export const comeOut = (
  view: NetworkView,
  at: Attached,
  frame: Frame,
  placeOf: (id: NamespaceId) => string,
): Crossing => arrive(contextOf(view, frame, placeOf), at, 0);

function leave(context: Context, from: Attached, depth: number): Crossing {
  const { namespace, device } = from;
  if (depth > deepest)
    return unseen(context, `the link of ${device.name}`, 'it is nested too deeply; follow it by hand');
  if (!device.up) return faulty(context, from, 'down');
  context.passed.push({ ...from, way: 'out' });
  if (device.detail?.kind === 'tunnel') return enterTunnel(context, from, device.detail);
  switch (device.kind) {
    case 'bridge':
      return crossBridge(context, from, null, depth);
    case 'bond':
      return crossBond(context, from, depth);
    case 'veth': {
      const peer = context.view.linked(namespace, device);
      if (!peer.present) return ended(context, { kind: 'unseen', missing: peer });
      if (!peer.value.device.up) return faulty(context, peer.value, 'down');
      return arrive(context, peer.value, depth);
    }
    case 'macvlan':
    case 'macvtap':
    case 'ipvlan':
    case 'vlan': {
      const parent = context.view.linked(namespace, device);
      if (!parent.present) return ended(context, { kind: 'unseen', missing: parent });
      return device.kind === 'vlan'
        ? overVlan(context, from, parent.value, depth)
        : overParent(context, from, parent.value, depth);
    }
    case null:
      if (!device.carrier) return faulty(context, from, 'no-carrier');
      return ended(context, { kind: 'left', device: device.name });
    case 'dummy':
      return unseen(
        context,
        `the way beyond ${device.name}`,
        'a dummy device has none: it drops what it gets',
      );
    default:
      return unseen(
        context,
        `the way beyond ${device.name}`,
        remedies[device.kind] ?? notFollowed(device.kind),
      );
  }
}

const notFollowed = (kind: string): string => `a ${kind} is not followed: look at its other end`;

/** Where to look for what these devices keep to themselves. */
const remedies: Readonly<Record<string, string>> = {
  wireguard: 'which peer has it, and whether it answers: wg show',
  tun: 'a program reads from it (a VPN, slirp4netns): look at that program',
  ifb: 'it hands packets back to the device that redirected them: tc filter show',
  netkit: 'a BPF program decides: bpftool net',
  team: 'which port is active: teamdctl DEVICE state',
};

/** The port of a bond that frames leave by; of several that share the load, the first. */
function crossBond(context: Context, { namespace, device: bond }: Attached, depth: number): Crossing {
  const ports = orElse(context.view.devices(namespace), []).filter(({ master }) => master === bond.name);
  const active = bond.detail?.kind === 'bond' ? bond.detail.activePort : null;
  const usable = ports.filter(({ up, carrier }) => up && carrier);
  // Without any that works, the first: why it does not is found on its way.
  const chosen = ports.find(({ name }) => name === active) ?? usable[0] ?? ports[0];
  if (chosen === undefined) return faulty(context, { namespace, device: bond }, 'no-carrier');
  const idle = ports
    .filter(port => port !== chosen)
    .map(({ name, up, carrier }) => `${name}${up && carrier ? '' : ' (no link)'}`);
  if (idle.length > 0)
    context.notes.push(
      `${bond.name} has ${chosen.name}${active === null ? ' among others' : ' as its active port'}; the rest: ${idle.join(', ')}`,
    );
  context.crossed.push({ place: context.placeOf(namespace), device: bond.name, kind: 'bond', mtu: bond.mtu });
  return leave(context, { namespace, device: chosen }, depth + 1);
}

function overVlan(
  context: Context,
  { namespace, device }: Attached,
  parent: Attached,
  depth: number,
): Crossing {
  if (context.tag !== null)
    return unseen(context, `the way beyond ${device.name}`, 'VLANs within VLANs are not followed');
  context.tag = device.detail?.kind === 'vlan' ? device.detail.id : null;
  context.crossed.push({
    place: context.placeOf(namespace),
    device: device.name,
    kind: 'vlan',
    mtu: device.mtu,
  });
  return leave(context, parent, depth + 1);
}

/** A frame comes in by a device: at a port of a bridge it goes on, else it has arrived. */
function arrive(context: Context, at: Attached, depth: number): Crossing {
  const { view, crossed, frame } = context;
  const { namespace, device } = at;
  if (depth > deepest)
    return unseen(context, `the link of ${device.name}`, 'it is nested too deeply; follow it by hand');
  context.passed.push({ ...at, way: 'in' });
  const master =
    device.master === null
      ? undefined
      : orElse(view.devices(namespace), []).find(({ name }) => name === device.master);
  if (master?.kind === 'bridge') return crossBridge(context, { namespace, device: master }, device, depth);
  if (master?.kind === 'bond')
    return device.portState === 'BACKUP'
      ? faulty(context, at, 'port')
      : arrive(context, { namespace, device: master }, depth + 1);
  if (context.tag !== null) {
    const tagged = vlanOver(context, at);
    if (tagged === undefined) return faulty(context, at, 'vlan');
    context.tag = null;
    return arrive(context, tagged, depth + 1);
  }
  const child = isFor(frame, device)
    ? undefined
    : childrenOf(view, at).find(each => isFor(frame, each.device));
  crossed.push({ place: context.placeOf(namespace), device: device.name, kind: 'wire', mtu: device.mtu });
  return crossing(context, { holders: [holderOf(context, child ?? at)], at: child ?? at });
}

/** Without next hops, below an ipvlan of mode l3, the packet's own destination decides. */
const isFor = ({ nextHop, destination }: Frame, device: NetDevice): boolean =>
  hasAddress(device, nextHop) || (isRoutedBelow(device) && hasAddress(device, destination));

const isRoutedBelow = ({ detail }: NetDevice): boolean => detail?.kind === 'shared' && detail.routedBelow;

/** The VLAN device that takes the frame's tag off. */
const vlanOver = (context: Context, parent: Attached): Attached | undefined =>
  devicesOver(context.view, parent, ['vlan']).find(
    ({ device: { detail } }) => detail?.kind === 'vlan' && detail.id === context.tag,
  );

/** Siblings on the same parent are reached directly; all else is on the parent's wire, or routed there. */
function overParent(context: Context, from: Attached, parent: Attached, depth: number): Crossing {
  if (!parent.device.up) return faulty(context, parent, 'down');
  context.crossed.push({
    place: context.placeOf(parent.namespace),
    device: parent.device.name,
    kind: 'macvlan',
    mtu: parent.device.mtu,
  });
  const siblings = childrenOf(context.view, parent).filter(
    each => !isSame(each, from) && isFor(context.frame, each.device),
  );
  const [sibling] = siblings;
  const { detail } = from.device;
  if (sibling !== undefined && !sibling.device.up) return faulty(context, sibling, 'down');
  if (sibling !== undefined && detail?.kind === 'shared' && !detail.talk)
    return faulty(context, from, 'isolated');
  if (sibling !== undefined) return among(context, siblings);
  if (isRoutedBelow(from.device)) return crossing(context, { onward: { kind: 'routed-below', parent } });
  return leave(context, parent, depth + 1);
}

/** The macvlan and ipvlan devices over a device, wherever they are. */
const childrenOf = (view: NetworkView, parent: Attached): readonly Attached[] =>
  devicesOver(view, parent, ['macvlan', 'ipvlan', 'macvtap']);

const devicesOver = (
  view: NetworkView,
  parent: Attached,
  kinds: readonly (string | null)[],
): readonly Attached[] =>
  view.namespaces.slice(0, mostPorts * 4).flatMap(({ id }) =>
    orElse(view.devices(id), [])
      .filter(({ kind }) => kinds.includes(kind))
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
  const vlans = vlansOf(context, bridge);
  if (!vlans.present) return ended(context, { kind: 'unseen', missing: vlans });
  const port = inPort ?? bridge.device;
  const vlan = vlans.value?.enters(port.name, context.tag);
  if (vlan === null) return faulty(context, { namespace: bridge.namespace, device: port }, 'vlan');
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
    return peer?.present && isBehind(context, peer.value) ? [{ port, ...peer.value }] : [];
  });
  const here = inPort !== null && local.some(device => hasAddress(device, frame.nextHop));
  const all: readonly Attached[] = [...(here ? [bridge] : []), ...behind];
  if (all.length > 0) {
    const met = among(context, all);
    const out = behind.find(
      ({ device, namespace }) => met.at !== null && isSame(met.at, { device, namespace }),
    );
    if (out === undefined) return met;
    const port: Attached = { namespace: bridge.namespace, device: out.port };
    if (inPort !== null) context.bridged.push(bridge);
    if (!out.port.up) return faulty(context, port, 'down');
    if (!out.device.up) return faulty(context, out, 'down');
    if (out.port.portState !== null && out.port.portState !== 'forwarding')
      return faulty(context, port, 'port');
    if (inPort?.isolated === true && out.port.isolated) return faulty(context, port, 'isolated');
    const tag = vlans.value?.leaves(out.port.name, vlan ?? null);
    if (tag === 'not') return faulty(context, port, 'vlan');
    if (tag !== undefined) context.tag = tag;
    crossed[crossed.length - 1] = { ...segment, mtu: Math.min(segment.mtu, out.port.mtu) };
    context.passed.push({ ...port, way: 'out' });
    const arrived = arrive(context, { namespace: out.namespace, device: out.device }, depth + 1);
    // All that have the address, for whoever looks for a second one.
    return arrived.end === null ? { ...arrived, holders: met.holders } : arrived;
  }
  const uplink = ports.find(({ kind }) => kind !== 'veth');
  if (uplink !== undefined) {
    if (inPort !== null) context.bridged.push(bridge);
    const tag = vlans.value?.leaves(uplink.name, vlan ?? null);
    if (tag === 'not') return faulty(context, { namespace: bridge.namespace, device: uplink }, 'vlan');
    if (tag !== undefined) context.tag = tag;
    return leave(context, { namespace: bridge.namespace, device: uplink }, depth + 1);
  }
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
  return crossing(context, { holders: all.map(each => holderOf(context, each)), at: chosen });
}

/** Whoever has the next hop's address behind a port: the device there, or a VLAN on it. */
const isBehind = ({ view, frame }: Context, { namespace, device }: Attached): boolean =>
  hasAddress(device, frame.nextHop) ||
  orElse(view.devices(namespace), []).some(
    ({ kind, link, addresses }) =>
      kind === 'vlan' &&
      link?.index === device.index &&
      link.namespace === null &&
      hasAddress({ addresses }, frame.nextHop),
  );
