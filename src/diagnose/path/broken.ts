import type { LegEnd, LinkAnswer, PacketWalk, SampledEffect, Stage } from '../../observe/reach/path.ts';
import { type DroppingQueue, droppingQueue, nearlyAll } from './queues.ts';

import { isIpv6 } from './words.ts';

export const pathFaults = [
  'link-down',
  'route-missing',
  'return-route-missing',
  'forwarding-off',
  'firewall-drops',
  'traffic-control-drops',
  'mtu-black-hole',
  'address-conflict',
] as const;
/** What can be wrong on a packet's way; each is the case `network/<fault>`. */
export type PathFault = (typeof pathFaults)[number];

/** The first broken hop of a walk. */
export interface Broken {
  readonly fault: PathFault;
  readonly walk: PacketWalk;
  readonly direction: 'out' | 'back';
  /** The namespace in which the packet's way ends. */
  readonly stage: Stage;
  readonly isFirstStage: boolean;
  readonly end: LegEnd;
  /** The counter that says so, when it moved in the window. */
  readonly acted: Moved | null;
  /** The rule, for a firewall. */
  readonly effect: SampledEffect | null;
  /** The queue or filter, for traffic control. */
  readonly queue: DroppingQueue | null;
  /** The narrow place, for an MTU: what the sender takes for granted, and what fits. */
  readonly mtu: {
    readonly sent: number;
    readonly fits: number;
    readonly place: string;
    readonly device: string;
    readonly silent: boolean;
    /** Only a probe says so: the place is not on this machine, and `fits` is the size that came back. */
    readonly beyond?: true;
  } | null;
  /** Two with one address, as those on the link said themselves when a probe asked. */
  readonly answered: LinkAnswer | null;
}

export interface Moved {
  readonly claim: string;
  readonly counter: string;
  readonly before: number;
  readonly after: number;
}

/** The IPv6 namesakes of counters that are named otherwise than by `Ip6.` (net/ipv6/proc.c). */
const namesakes: Readonly<Record<string, string>> = { 'IpExt.InNoRoutes': 'Ip6.InNoRoutes' };

/** How much a counter of a stage grew, in the packet's own family; null when it did not, or is not known. */
export function movedIn(
  { counters: { first, last }, packet }: Stage,
  counterOfIpv4: string,
  claim: string,
): Moved | null {
  const counter = isIpv6(packet.destination)
    ? (namesakes[counterOfIpv4] ?? counterOfIpv4.replace(/^Ip\./, 'Ip6.'))
    : counterOfIpv4;
  const [before, after] = [first[counter], last[counter]];
  return before === undefined || after === undefined || after <= before
    ? null
    : { claim, counter, before, after };
}

/** Pure: what the namespaces on the way said, read in the order in which the packet meets them. */
export function findBroken(walk: PacketWalk): Broken | null {
  const { out, back } = walk;
  const duplicate = answeredTwice(walk);
  if (duplicate !== null) return duplicate;
  for (const [direction, leg] of [
    ['out', out],
    ['back', back],
  ] as const) {
    if (leg === null) break;
    const broken =
      conflictIn(walk, direction) ??
      endOf(walk, direction) ??
      doubtfulDrop(walk, direction) ??
      queueDrop(walk, direction);
    if (broken !== null) return broken;
  }
  return narrowPlace(walk) ?? (walk.beyond === undefined ? null : findBroken(walk.beyond));
}

const legOf = ({ out, back }: PacketWalk, direction: 'out' | 'back') => (direction === 'out' ? out : back);

function describe(
  walk: PacketWalk,
  direction: 'out' | 'back',
  index: number,
  fault: PathFault,
  rest: Partial<Broken> = {},
): Broken | null {
  const leg = legOf(walk, direction);
  const stage = leg?.stages[index];
  if (leg === null || leg === undefined || stage === undefined) return null;
  return {
    fault,
    walk,
    direction,
    stage,
    isFirstStage: index === 0,
    end: leg.end,
    acted: null,
    effect: null,
    queue: null,
    mtu: null,
    answered: null,
    ...rest,
  };
}

function endOf(walk: PacketWalk, direction: 'out' | 'back'): Broken | null {
  const leg = legOf(walk, direction);
  const index = (leg?.stages.length ?? 0) - 1;
  const stage = leg?.stages[index];
  if (leg === null || stage === undefined) return null;
  const isOwn = stage.enteredBy === null;
  const missing: PathFault = direction === 'out' ? 'route-missing' : 'return-route-missing';
  const { end } = leg;
  switch (end.kind) {
    case 'link-down':
      return describe(walk, direction, index, 'link-down', {
        acted:
          movedIn(stage, isOwn ? 'Ip.OutNoRoutes' : 'IpExt.InNoRoutes', 'Packets without a route') ??
          silentNeighbour(walk, stage) ??
          waitsThere(walk, isOwn && direction === 'out'),
      });
    case 'no-route':
      return describe(walk, direction, index, missing, {
        acted: isOwn
          ? (movedIn(stage, 'Ip.OutNoRoutes', 'Packets dropped for lack of a route') ??
            waitsThere(walk, direction === 'out'))
          : movedIn(stage, 'IpExt.InNoRoutes', 'Packets not forwarded for lack of a route'),
      });
    case 'nobody':
      // A destination that is not there is no fault of the way; a router that is not there is.
      return stage.nextHop !== null && stage.nextHop !== stage.packet.destination
        ? describe(walk, direction, index, missing)
        : null;
    case 'wrong-way-in':
      return describe(walk, direction, index, 'return-route-missing', {
        acted: movedIn(stage, 'TcpExt.IPReversePathFilter', 'Packets refused by the reverse path filter'),
      });
    case 'not-forwarded':
      return describe(walk, direction, index, 'forwarding-off', {
        acted: movedIn(stage, 'Ip.InAddrErrors', 'Packets for others, thrown away'),
      });
    case 'dropped':
      return describe(walk, direction, index, 'firewall-drops', {
        effect: end.effect,
        acted: movedRule(end.effect),
      });
    case 'astray':
      return describe(walk, direction, index, 'address-conflict');
    default:
      return null;
  }
}

/** Nobody answers ARP on the link while connections wait. */
const silentNeighbour = ({ waiting }: PacketWalk, { neighbour }: Stage): Moved | null =>
  waiting > 0 && neighbour !== null && /^(?:INCOMPLETE|FAILED)$/.test(neighbour.state)
    ? { claim: 'Nobody answers on the link', counter: 'neighbour', before: 0, after: 1 }
    : null;

/**
 * The container's own connections wait at the very namespace that the kernel refuses to route from: it sends a SYN
 * again after 1, 2, 4 … s, so that a window may pass without one to count.
 */
const waitsThere = ({ waiting }: PacketWalk, isItsOwn: boolean): Moved | null =>
  waiting > 0 && isItsOwn
    ? { claim: 'Connections that wait', counter: 'waiting', before: 0, after: waiting }
    : null;

export function movedRule({ packets, packetsBefore, rule, chain }: SampledEffect): Moved | null {
  if (packets === null || packetsBefore === null || packets <= packetsBefore) return null;
  return {
    claim: rule === null ? `Packets that the policy of ${chain} dropped` : 'Packets that this rule dropped',
    counter: 'packets',
    before: packetsBefore,
    after: packets,
  };
}

/** A rule that may or may not match the packet, whose counter moved while nothing else on the way stops it. */
function doubtfulDrop(walk: PacketWalk, direction: 'out' | 'back'): Broken | null {
  if (walk.waiting === 0 && !hasFailed(walk)) return null;
  const leg = legOf(walk, direction);
  for (const [index, { effects }] of (leg?.stages ?? []).entries())
    for (const effect of effects) {
      const acted = effect.does === 'drop' || effect.does === 'reject' ? movedRule(effect) : null;
      if (acted !== null) return describe(walk, direction, index, 'firewall-drops', { effect, acted });
    }
  return null;
}

/** Traffic control that drops much of what passes while this connection waits. Least drops are a full queue's way to say so. */
function queueDrop(walk: PacketWalk, direction: 'out' | 'back'): Broken | null {
  if (walk.waiting === 0 && !hasFailed(walk)) return null;
  for (const [index, stage] of (legOf(walk, direction)?.stages ?? []).entries()) {
    const queue = droppingQueue(stage);
    if (queue === null) continue;
    const [before, after] = queue.drops;
    const acted =
      queue.ofAll < nearlyAll ? null : { claim: 'Packets dropped there', counter: 'drops', before, after };
    return describe(walk, direction, index, 'traffic-control-drops', { queue, acted });
  }
  return null;
}

export const hasFailed = ({ probe }: PacketWalk): boolean => probe !== null && probe.tcp !== 'connected';

/** Two with one address on a link: it decides who is meant, what the sender's neighbour entry says. */
function conflictIn(walk: PacketWalk, direction: 'out' | 'back'): Broken | null {
  const leg = legOf(walk, direction);
  const home = walk.out.stages[0]?.namespace;
  for (const [index, { holders, neighbour }] of (leg?.stages ?? []).entries()) {
    if (holders.length < 2) continue;
    const own = holders.find(({ namespace }) => namespace === home);
    const meant = holders.find(({ mac }) => mac !== null && mac === neighbour?.mac);
    const acted =
      direction === 'back' && own !== undefined && meant !== undefined && meant.namespace !== home
        ? { claim: 'The answer is sent to the other one', counter: 'neighbour', before: 0, after: 1 }
        : null;
    return describe(walk, direction, index, 'address-conflict', { acted });
  }
  return null;
}

/**
 * A probe asked the link who has the container's own address, and somebody else answered. Two that answer for the next
 * hop may be one host with two devices on the link (arp_filter is off by default): that is likely only.
 */
function answeredTwice(walk: PacketWalk): Broken | null {
  const all = walk.probe?.questions ?? [];
  const answered =
    all.find(({ own, macs }) => own && macs.length > 0) ??
    all.find(({ own, macs }) => !own && macs.length > 1);
  if (answered === undefined) return null;
  const acted = answered.own
    ? { claim: 'Others that say it is theirs', counter: 'probe', before: 0, after: answered.macs.length }
    : null;
  return describe(walk, 'out', 0, 'address-conflict', { answered, acted });
}

/** The small echo came back, and the one that fills the MTU did not, nor any message about it. */
function lostLargeOne({ probe }: PacketWalk): { readonly small: number; readonly large: number } | null {
  const [small, large] = probe?.echoes ?? [];
  return small?.answer === 'answered' && large?.answer === 'no answer'
    ? { small: small.bytes, large: large.bytes }
    : null;
}

/** Connections that stall although each hop lets small packets pass, and a hop that takes less than the sender sends. */
function narrowPlace(walk: PacketWalk): Broken | null {
  const { stages } = walk.out;
  const [first] = stages;
  const lost = lostLargeOne(walk);
  if (first === undefined || ((walk.reason !== 'stalled' || walk.waiting === 0) && lost === null))
    return null;
  const learnt = first.route?.answer.kind === 'unicast' ? first.route.answer.mtu : null;
  const sent = lost?.large ?? learnt ?? first.leavesBy?.mtu;
  if (sent === undefined) return null;
  const seen = lost === null ? null : { claim: 'Large packets lost', counter: 'probe', before: 0, after: 1 };
  for (const [index, stage] of stages.entries()) {
    const { leavesBy, tunnel } = stage;
    const overhead = tunnel?.overhead ?? 0;
    if (index > 0 && leavesBy !== null && tunnel?.mayFragment !== true && leavesBy.mtu < sent + overhead)
      return describe(walk, 'out', index, 'mtu-black-hole', {
        mtu: {
          sent,
          fits: leavesBy.mtu - overhead,
          place: stage.place,
          device: leavesBy.name,
          silent: false,
        },
        acted: movedIn(stage, 'Ip.FragFails', 'Packets too large to forward') ?? seen,
      });
    // What is cut to fit the device that it leaves by is no larger than that on the link.
    const onLink = Math.min(
      sent + overhead,
      tunnel?.mayFragment === true ? (leavesBy?.mtu ?? sent) : Number.MAX_SAFE_INTEGER,
    );
    const narrow = stage.crossed.find(({ mtu, kind }) => kind !== 'tunnel' && mtu < onLink);
    if (narrow !== undefined)
      return describe(walk, 'out', index, 'mtu-black-hole', {
        mtu: { sent, fits: narrow.mtu - overhead, place: narrow.place, device: narrow.device, silent: true },
        acted: seen,
      });
  }
  // Not on this machine, as far as is seen; some hosts answer no large echo either, so it is not proved.
  const { end } = walk.out;
  return lost === null || end.kind !== 'left'
    ? null
    : describe(walk, 'out', stages.length - 1, 'mtu-black-hole', {
        mtu: {
          sent,
          fits: lost.small,
          place: 'beyond this machine',
          device: end.device,
          silent: true,
          beyond: true,
        },
      });
}
