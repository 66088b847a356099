import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import { type RouteAnswer, type RouteQuestion, routeCommand } from '../../linux/net/iproute/route-get.ts';
import type { Packet } from '../../linux/netfilter/evaluate.ts';
import { absent, orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import { isIpv6, switchedOff } from './device-state.ts';
import { crossLink } from './link.ts';
import type { Leg, LegEnd, Stage } from './path.ts';
import { hook, isLocal } from './rules.ts';
import {
  type Arrival,
  neighbourOf,
  type Pass,
  stageOf,
  type Translation,
  type WalkContext,
} from './stage.ts';
import type { Attached, NetworkView } from './view.ts';

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
  start: { readonly namespace: NamespaceId; readonly packet: Packet },
  earlier: readonly Translation[] = [],
): WalkedLeg {
  const stages: Stage[] = [];
  const translations: Translation[] = [];
  let arrival: Arrival = { ...start, enteredBy: null };
  while (stages.length < mostStages) {
    const passed = passNamespace(context, arrival, earlier);
    stages.push(passed.stage);
    if (passed.changed)
      translations.push({ namespace: arrival.namespace, from: arrival.packet, to: passed.packet });
    for (const bridge of passed.bridged) {
      const over = passBridge(context, bridge, passed.packet);
      if (over === null) continue;
      stages.push(over.stage);
      if (over.end !== null) return { stages, end: over.end, translations, packet: passed.packet };
    }
    if (passed.next === null) return { stages, end: passed.end, translations, packet: passed.packet };
    arrival = { ...passed.next, packet: passed.packet };
  }
  return { stages, end: { kind: 'too-long' }, translations, packet: arrival.packet };
}

type Passed = {
  readonly stage: Stage;
  readonly packet: Packet;
  /** Whether rules of this namespace translated it. */
  readonly changed: boolean;
  readonly bridged: readonly Attached[];
} & (
  | { readonly next: null; readonly end: LegEnd }
  | { readonly next: Pick<Arrival, 'namespace' | 'enteredBy'>; readonly end: null }
);

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
  };
  const end = arrival.enteredBy === null ? sendOwn(pass) : takeIn(pass, arrival.enteredBy);
  const at = pass.crossing?.at ?? null;
  // Only what rules did counts: what connection tracking turned back is no translation of its own.
  const changed = pass.effects.some(({ does, certain }) => certain && does.startsWith('translate'));
  const common = {
    stage: stageOf(pass),
    packet: pass.packet,
    changed,
    bridged: pass.crossing?.bridged ?? [],
  };
  if (end !== null) return { ...common, next: null, end };
  if (at === null)
    return {
      ...common,
      next: null,
      end: { kind: 'unseen', missing: absent('the next hop', 'vanished', 'look again') },
    };
  return { ...common, next: { namespace: at.namespace, enteredBy: at.device }, end: null };
}

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
  const known = packet.source === '' ? {} : { from: packet.source };
  const first = ask(pass, {
    destination: packet.destination,
    destinationPort: packet.destinationPort,
    ...known,
  });
  if (first !== null) return first;
  const source = pass.route?.answer.kind === 'refused' ? null : pass.route?.answer.source;
  if (packet.source === '') pass.packet = { ...packet, source: source ?? '' };
  const dropped = hook(pass, 'output');
  if (dropped !== null) return dropped;
  if (pass.packet.destination !== packet.destination) {
    const again = ask(pass, {
      destination: pass.packet.destination,
      destinationPort: pass.packet.destinationPort,
    });
    if (again !== null) return again;
  }
  if (pass.route?.answer.kind === 'local') return hook(pass, 'input') ?? delivered(pass);
  return hook(pass, 'postrouting') ?? cross(pass);
}

/** A packet that came in by a device: PREROUTING, route, then INPUT, or FORWARD, POSTROUTING and the next link. */
function takeIn(pass: Pass, device: NetDevice): LegEnd | null {
  const translated = hook(pass, 'prerouting');
  if (translated !== null) return translated;
  const { view } = pass.context;
  const { namespace } = pass.arrival;
  const { source, destination, destinationPort } = pass.packet;
  const isOwn = isLocal(view, namespace, destination);
  if (!isOwn) {
    const sysctl = forwardingSysctl(destination, device.name);
    const value = view.sysctl(namespace, sysctl);
    if (value !== undefined) pass.forwarding = { sysctl, value };
    if (value === '0' && !isForced(pass, device.name)) return { kind: 'not-forwarded', sysctl };
  }
  const refused = ask(pass, { destination, destinationPort, from: source, enteredBy: device.name });
  if (refused !== null) return refused;
  if (pass.route?.answer.kind === 'local') return hook(pass, 'input') ?? delivered(pass);
  return hook(pass, 'forward') ?? hook(pass, 'postrouting') ?? cross(pass);
}

/** Since Linux 6.17 a device may forward IPv6 although the namespace does not (ip6_forward). */
const isForced = ({ context: { view }, arrival: { namespace }, packet }: Pass, device: string): boolean =>
  isIpv6(packet.destination) &&
  !device.includes('.') &&
  view.sysctl(namespace, `net.ipv6.conf.${device}.force_forwarding`) === '1';

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
    return { kind: 'no-route', answer };
  }
  const device = orElse(view.devices(namespace), []).find(({ name }) => name === answer.device);
  pass.leavesBy = answer.kind === 'local' ? null : (device ?? null);
  pass.nextHop = answer.kind === 'local' ? null : (answer.gateway ?? question.destination);
  return null;
}

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
  pass.crossing = crossLink(
    view,
    from,
    { nextHop, mac: neighbourOf(view, namespace, nextHop, leavesBy.name)?.mac ?? null },
    placeOf,
  );
  return pass.crossing.end;
}
