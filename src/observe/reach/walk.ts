import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import { type RouteAnswer, type RouteQuestion, routeCommand } from '../../linux/net/iproute/route-get.ts';
import type { Packet } from '../../linux/netfilter/evaluate.ts';
import { absent, orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import { type Crossing, hasAddress, type Onward } from './crossing.ts';
import { isIpv6, switchedOff } from './device-state.ts';
import { comeOut, crossLink } from './link.ts';
import type { Leg, LegEnd, Stage } from './path.ts';
import { hook, isLocal } from './rules.ts';
import {
  type Arrival,
  neighbourOf,
  type Pass,
  stageOf,
  type Translation,
  type WalkContext,
  withCrossing,
} from './stage.ts';
import { findExit, outerPacket } from './tunnel.ts';
import type { Attached, NetworkView } from './view.ts';
import { toRealServer } from './virtual-service.ts';

export interface WalkedLeg extends Leg {
  readonly translations: readonly Translation[];
  /** The packet as it was in the end. */
  readonly packet: Packet;
}

/** More namespaces than any sensible set-up has between two of its ends. */
const mostStages = 12;

/** The way of one packet from a namespace on, until it is delivered or cannot go on. */
export function walkLeg(
  context: WalkContext,
  start: Omit<Arrival, 'enteredBy'>,
  earlier: readonly Translation[] = [],
  depth = 0,
): WalkedLeg {
  const stages: Stage[] = [];
  const translations: Translation[] = [];
  let arrival: Arrival = { ...start, enteredBy: null };
  const ends = (end: LegEnd, packet: Packet): WalkedLeg => ({ stages, end, translations, packet });
  while (stages.length < mostStages) {
    const passed = passNamespace(context, arrival, earlier);
    const { packet } = passed;
    stages.push(passed.stage);
    if (passed.changed) translations.push({ namespace: arrival.namespace, from: arrival.packet, to: packet });
    if (passed.crossing === null) return ends(passed.end, packet);
    const next = follow({ context, stages, packet, depth }, passed.crossing);
    if (next.end !== null) return ends(next.end, packet);
    arrival = { ...next.arrival, packet };
  }
  return ends({ kind: 'too-long' }, arrival.packet);
}

/** Where a crossing leads: the next namespace, or why there is none. Bridges and tunnels on it are stages as well. */
type Next =
  | { readonly end: LegEnd; readonly arrival: null }
  | { readonly end: null; readonly arrival: Omit<Arrival, 'packet'> };

interface Follower {
  readonly context: WalkContext;
  readonly stages: Stage[];
  readonly packet: Packet;
  /** Tunnels that the packet is in. */
  readonly depth: number;
}

function follow(follower: Follower, { bridged, onward, at, end }: Crossing): Next {
  const { context, stages, packet } = follower;
  for (const bridge of bridged) {
    const over = passBridge(context, bridge, packet);
    if (over === null) continue;
    stages.push(over.stage);
    if (over.end !== null) return { end: over.end, arrival: null };
  }
  if (end !== null) return { end, arrival: null };
  if (onward?.kind === 'tunnel') return throughTunnel(follower, onward);
  if (onward !== null) {
    const { namespace, device } = onward.parent;
    return { end: null, arrival: { namespace, enteredBy: null, onlyBy: device.name } };
  }
  return at === null
    ? { end: { kind: 'unseen', missing: absent('the next hop', 'vanished', 'look again') }, arrival: null }
    : { end: null, arrival: { namespace: at.namespace, enteredBy: at.device } };
}

const deepestTunnel = 2;

/** The packet that carries this one is walked in its own right; where it is unwrapped this one goes on. */
function throughTunnel(
  { context, stages, packet, depth }: Follower,
  tunnel: Extract<Onward, { kind: 'tunnel' }>,
): Next {
  const { from, underlay, detail } = tunnel;
  const unseen = (remedy: string): Next => ({
    end: { kind: 'unseen', missing: absent(`the way beyond ${from.device.name}`, 'unreadable', remedy) },
    arrival: null,
  });
  if (depth >= deepestTunnel) return unseen('tunnels within tunnels are followed twice only');
  const outer = walkLeg(context, { namespace: underlay, packet: outerPacket(tunnel) }, [], depth + 1);
  const { name, kind } = from.device;
  const { overhead, mayFragment } = detail;
  const inTunnel = { tunnel: { device: name, kind: kind ?? '', overhead, mayFragment } };
  stages.push(...outer.stages.map(stage => ({ ...inTunnel, ...stage })));
  if (outer.end.kind !== 'delivered') return { end: outer.end, arrival: null };
  const exit = findExit(context.view, tunnel, outer.end.namespace);
  if (exit === undefined)
    return unseen(
      `${context.placeOf(outer.end.namespace)} gets its packets, and no device that unwraps them was found there: ip -d link show type ${kind}`,
    );
  if (!exit.device.up) {
    const place = context.placeOf(exit.namespace);
    return { end: { kind: 'link-down', device: exit.device.name, place, how: 'down' }, arrival: null };
  }
  if (detail.carries === 'packets')
    return { end: null, arrival: { namespace: exit.namespace, enteredBy: exit.device } };
  const out = comeOut(context.view, exit, tunnel.frame, context.placeOf);
  const last = stages.pop();
  if (last !== undefined) stages.push(withCrossing(context, last, out));
  return follow({ context, stages, packet, depth }, out);
}

function passNamespace(context: WalkContext, arrival: Arrival, earlier: readonly Translation[]): Passed {
  const translated = translationBack(arrival, earlier);
  const packet =
    translated === null ? arrival.packet : { ...arrival.packet, destination: translated.from.source };
  const pass: Pass = {
    context,
    arrival,
    packet,
    effects: [],
    route: null,
    leavesBy: null,
    nextHop: null,
    forwarding: null,
    crossing: null,
    notes: [],
  };
  const end = arrival.enteredBy === null ? sendOwn(pass) : takeIn(pass, arrival.enteredBy);
  // Only what rules did counts: what connection tracking turned back is no translation of its own.
  const changed = pass.effects.some(({ does, certain }) => certain && does.startsWith('translate'));
  const common = { stage: stageOf(pass), packet: pass.packet, changed };
  if (pass.crossing !== null) return { ...common, crossing: pass.crossing, end: null };
  return {
    ...common,
    crossing: null,
    end: end ?? { kind: 'unseen', missing: absent('the next hop', 'vanished', 'look again') },
  };
}

type Passed = {
  readonly stage: Stage;
  readonly packet: Packet;
  /** Whether rules of this namespace translated it. */
  readonly changed: boolean;
} & ({ readonly crossing: null; readonly end: LegEnd } | { readonly crossing: Crossing; readonly end: null });

/**
 * A frame from port to port of a bridge passes no routing, but where br_netfilter is on (Docker and Kubernetes want it)
 * the rules for forwarded packets, with the bridge as both devices. Null where they are not asked.
 */
function passBridge(
  context: WalkContext,
  { namespace, device }: Attached,
  packet: Packet,
): { readonly stage: Stage; readonly end: LegEnd | null } | null {
  const tool = isIpv6(packet.destination) ? 'ip6tables' : 'iptables';
  const isAsked =
    (tool === 'iptables' ? device.callsIptables : device.callsIp6tables) ||
    context.view.sysctl(namespace, `net.bridge.bridge-nf-call-${tool}`) === '1';
  if (!isAsked) return null;
  const pass: Pass = {
    ...{ context, arrival: { namespace, packet, enteredBy: device }, packet, effects: [] },
    ...{ route: null, leavesBy: device, nextHop: null, forwarding: null, crossing: null },
    notes: [],
  };
  const end = hook(pass, 'forward');
  return { stage: stageOf(pass), end };
}

/**
 * What connection tracking does with an answer: the destination is the old one again before routing, the source not
 * until it leaves. Null where nothing was translated on the way there.
 */
function translationBack(
  { namespace, packet }: Arrival,
  earlier: readonly Translation[],
): Translation | null {
  return (
    earlier.find(
      ({ namespace: where, to }) =>
        where === namespace && to.destination === packet.source && to.source === packet.destination,
    ) ?? null
  );
}

/** A packet of this namespace's own: route, OUTPUT, route again when it was translated, POSTROUTING, link. */
function sendOwn(pass: Pass): LegEnd | null {
  const { packet } = pass;
  const first = ask(pass, ownQuestion(pass));
  if (first !== null) return first;
  const source = pass.route?.answer.kind === 'refused' ? null : pass.route?.answer.source;
  if (packet.source === '') pass.packet = { ...packet, source: source ?? '' };
  const dropped = hook(pass, 'output');
  if (dropped !== null) return dropped;
  const balanced = toRealServer(pass);
  if (balanced !== null && balanced !== 'none') return balanced;
  if (pass.packet.destination !== packet.destination) {
    const again = ask(pass, { destination: pass.packet.destination, destinationPort: portFor(pass.packet) });
    if (again !== null) return again;
  }
  if (pass.route?.answer.kind === 'local') return hook(pass, 'input') ?? delivered(pass);
  return hook(pass, 'postrouting') ?? cross(pass);
}

/** `ip route get` asks for TCP. */
const portFor = ({ protocol, destinationPort }: Packet): number | null =>
  protocol === undefined ? destinationPort : null;

function ownQuestion({ context, arrival, packet }: Pass): RouteQuestion {
  const question = { destination: packet.destination, destinationPort: portFor(packet) };
  if (arrival.onlyBy !== undefined) return { ...question, leavesBy: arrival.onlyBy };
  if (packet.source === '') return question;
  // A socket with an address of a VRF is bound to that VRF: routes of the namespace's main table are not its own.
  const devices = orElse(context.view.devices(arrival.namespace), []);
  const master = devices.find(device => hasAddress(device, packet.source))?.master;
  const vrf = devices.find(({ name, kind }) => kind === 'vrf' && name === master);
  return { ...question, from: packet.source, ...(vrf === undefined ? {} : { leavesBy: vrf.name }) };
}

/** A packet that came in by a device: PREROUTING, route, then INPUT, or FORWARD, POSTROUTING and the next link. */
function takeIn(pass: Pass, device: NetDevice): LegEnd | null {
  const translated = hook(pass, 'prerouting');
  if (translated !== null) return translated;
  const { view } = pass.context;
  const { namespace } = pass.arrival;
  const { source, destination } = pass.packet;
  const isOwn = isLocal(view, namespace, destination);
  if (!isOwn) {
    const sysctl = forwardingSysctl(destination, device.name);
    const value = view.sysctl(namespace, sysctl);
    if (value !== undefined) pass.forwarding = { sysctl, value };
    if (value === '0' && !isForced(pass, device.name)) return { kind: 'not-forwarded', sysctl };
  }
  const refused = ask(pass, {
    ...{ destination, destinationPort: portFor(pass.packet) },
    ...{ from: source, enteredBy: device.name },
  });
  if (refused !== null) return refused;
  if (pass.route?.answer.kind === 'local') return hook(pass, 'input') ?? toSocket(pass);
  return hook(pass, 'forward') ?? hook(pass, 'postrouting') ?? cross(pass);
}

/** Since Linux 6.17 a device may forward IPv6 although the namespace does not (ip6_forward). */
const isForced = ({ context: { view }, arrival: { namespace }, packet }: Pass, device: string): boolean =>
  isIpv6(packet.destination) &&
  !device.includes('.') &&
  view.sysctl(namespace, `net.ipv6.conf.${device}.force_forwarding`) === '1';

/** To a socket of this namespace, or, for a virtual service of IPVS, on to a real server. */
function toSocket(pass: Pass): LegEnd | null {
  const balanced = toRealServer(pass);
  if (balanced === 'none') return delivered(pass);
  if (balanced !== null) return balanced;
  const { destination } = pass.packet;
  const refused = ask(pass, { destination, destinationPort: portFor(pass.packet) });
  if (refused !== null) return refused;
  if (pass.route?.answer.kind === 'local') return delivered(pass);
  return hook(pass, 'output') ?? hook(pass, 'postrouting') ?? cross(pass);
}

/** A dot in a device's name (VLANs) cannot be told from those of a sysctl's name: there the value for all stands in. */
const forwardingSysctl = (destination: string, device: string): string => {
  if (isIpv6(destination)) return 'net.ipv6.conf.all.forwarding';
  return device.includes('.') ? 'net.ipv4.ip_forward' : `net.ipv4.conf.${device}.forwarding`;
};

const delivered = ({ arrival }: Pass): LegEnd => ({ kind: 'delivered', namespace: arrival.namespace });

/** Asks the kernel for the route; a refusal ends the way. */
function ask(pass: Pass, question: RouteQuestion): LegEnd | null {
  const { view, placeOf } = pass.context;
  const { namespace } = pass.arrival;
  const reading = view.lookUp(namespace, question);
  if (!reading.present) return { kind: 'unseen', missing: reading };
  const answer: RouteAnswer = reading.value;
  pass.route = {
    command: `ip ${routeCommand(question)
      .filter(word => word !== '-j')
      .join(' ')}`,
    answer,
  };
  if (answer.kind === 'refused') {
    // With its device an address loses its routes: that is the cause, the missing route only what follows.
    const off = switchedOff(orElse(view.devices(namespace), []), question.destination);
    if (off !== undefined)
      return { kind: 'link-down', device: off.name, place: placeOf(namespace), how: 'down' };
    if (isWrongWayIn(view, namespace, question, answer.error))
      return { kind: 'wrong-way-in', device: question.enteredBy ?? '' };
    if (question.enteredBy === undefined && question.leavesBy === undefined && hasVrf(view, namespace))
      return {
        kind: 'unseen',
        missing: absent(
          `which VRF in ${placeOf(namespace)} the packet belongs to`,
          'unreadable',
          'the main table has no route; ask for each: ip route get ADDRESS vrf NAME',
        ),
      };
    return { kind: 'no-route', answer };
  }
  if (question.leavesBy === undefined && answer.kind === 'unicast' && isVrf(view, namespace, answer.device))
    return ask(pass, { ...question, leavesBy: answer.device });
  const device = orElse(view.devices(namespace), []).find(({ name }) => name === answer.device);
  pass.leavesBy = answer.kind === 'local' ? null : (device ?? null);
  pass.nextHop = answer.kind === 'local' ? null : (answer.gateway ?? question.destination);
  return null;
}

const isVrf = (view: NetworkView, namespace: NamespaceId, device: string): boolean =>
  orElse(view.devices(namespace), []).some(({ name, kind }) => kind === 'vrf' && name === device);

const hasVrf = (view: NetworkView, namespace: NamespaceId): boolean =>
  orElse(view.devices(namespace), []).some(({ kind }) => kind === 'vrf');

/** The reverse path filter refuses with EXDEV; recent kernels (6.18 seen) say EINVAL, as for other odd sources. */
function isWrongWayIn(
  view: NetworkView,
  namespace: NamespaceId,
  { enteredBy }: RouteQuestion,
  error: string,
): boolean {
  if (error === 'EXDEV') return true;
  if (error !== 'EINVAL' || enteredBy === undefined || enteredBy.includes('.')) return false;
  return ['all', enteredBy].some(
    name => (view.sysctl(namespace, `net.ipv4.conf.${name}.rp_filter`) ?? '0') !== '0',
  );
}

/** Leaves by the device that the route says, to whoever has the next hop's address. */
function cross(pass: Pass): LegEnd | null {
  const { view, placeOf } = pass.context;
  const { namespace } = pass.arrival;
  const { leavesBy, nextHop } = pass;
  if (leavesBy === null || nextHop === null)
    return {
      kind: 'unseen',
      missing: absent('the device of the route', 'vanished', 'it has gone; look again'),
    };
  const from: Attached = { namespace, device: leavesBy };
  const mac = neighbourOf(view, namespace, nextHop, leavesBy.name)?.mac ?? null;
  pass.crossing = crossLink(view, from, { nextHop, mac, destination: pass.packet.destination }, placeOf);
  return pass.crossing.end;
}
