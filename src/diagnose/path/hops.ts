import type { Leg, LegEnd, PacketWalk, SampledEffect, Segment, Stage } from '../../observe/reach/path.ts';
import { type Broken, findBroken, type PathFault } from './broken.ts';
import { type Probed, probedLines } from './probed.ts';
import { queueHops } from './queue-hops.ts';
import { sayBy, sayDestination, sayLinkFault, sayPort, saySegment } from './words.ts';

/** One step of a packet, in words. What `glassbox diagnose --to` shows, and prints with --json. */
export interface Hop {
  readonly direction: 'out' | 'back';
  readonly place: string;
  readonly what:
    | 'route'
    | 'neighbour'
    | 'link'
    | 'forwarding'
    | 'rules'
    | 'translation'
    | 'tracking'
    | 'queue'
    | 'tunnel'
    | 'listener'
    | 'relay'
    | 'end';
  /** stop: the packet's way ends here. unknown: it could not be seen. note: it passes, and this is worth knowing. */
  readonly state: 'ok' | 'stop' | 'unknown' | 'note';
  readonly says: string;
}

export interface WalkReport {
  readonly reason: PacketWalk['reason'];
  readonly destination: PacketWalk['destination'];
  readonly waiting: number;
  readonly probe: PacketWalk['probe'];
  /** What the probe sent, and what came of each. */
  readonly probed?: readonly Probed[];
  /** The first broken hop, as the case that explains it; null when nothing here stops the packet. */
  readonly broken: { readonly fault: PathFault; readonly place: string; readonly proved: boolean } | null;
  /** In one sentence. */
  readonly result: string;
  readonly hops: readonly Hop[];
}

export function reportWalk(walk: PacketWalk): WalkReport {
  const broken = findBroken(walk);
  const { reason, destination, waiting, probe } = walk;
  const hops = [
    ...hopsOf('out', walk.out, broken),
    ...listenerHops(walk),
    ...beyondHops(walk, broken),
    ...(walk.back === null ? [] : hopsOf('back', walk.back, broken)),
  ];
  return {
    reason,
    destination,
    waiting,
    probe,
    ...(probe?.sent === undefined ? {} : { probed: probedLines(probe) }),
    broken:
      broken === null
        ? null
        : { fault: broken.fault, place: broken.stage.place, proved: broken.acted !== null },
    result: sayResult(walk, broken, hops),
    hops,
  };
}

/** The connection that docker-proxy makes is one more way out, and back to it. */
function beyondHops({ beyond, target }: PacketWalk, broken: Broken | null): readonly Hop[] {
  if (beyond?.by === undefined) return [];
  return [
    {
      direction: 'out',
      place: target?.place ?? '',
      what: 'relay',
      state: 'note',
      says: `${sayBy(beyond.by)} takes the connection and makes one of its own to ${sayDestination(beyond.destination)}`,
    },
    ...hopsOf('out', beyond.out, broken),
    ...listenerHops(beyond),
    ...(beyond.back === null ? [] : hopsOf('back', beyond.back, broken)),
  ];
}

function hopsOf(direction: 'out' | 'back', { stages, end }: Leg, broken: Broken | null): readonly Hop[] {
  return stages.flatMap((stage, index) => {
    const isLast = index === stages.length - 1;
    const hop = (what: Hop['what'], says: string, state: Hop['state'] = 'ok'): Hop => ({
      direction,
      place: stage.place,
      what,
      state,
      says,
    });
    const effectHop = (effect: SampledEffect): Hop =>
      hop(
        effect.does.startsWith('translate') ? 'translation' : 'rules',
        sayEffect(effect),
        stateOf(effect, broken),
      );
    const isBrokenHere = broken?.stage === stage && broken.direction === direction;
    const goesOn = !isLast || (end.kind !== 'dropped' && end.kind !== 'not-forwarded');
    return [
      ...tunnelHop(stage, stages[index - 1]).map(({ says, state }) => hop('tunnel', says, state)),
      ...stage.effects.filter(isBeforeRouting).map(effectHop),
      ...forwardingHop(stage, isLast ? end : null).map(({ says, state }) => hop('forwarding', says, state)),
      ...routeHop(stage, isLast ? end : null).map(({ says, state }) => hop('route', says, state)),
      ...stage.effects.filter(effect => !isBeforeRouting(effect)).map(effectHop),
      ...(stage.effects.every(({ does }) => does.startsWith('translate')) ? [rulesHop(stage, hop)] : []),
      ...trackingHop(stage).map(({ says, state }) => hop('tracking', says, state)),
      ...(goesOn ? neighbourHop(stage, isLast ? end : null, isBrokenHere ? broken : null) : []).map(
        ({ says, state }) => hop('neighbour', says, state),
      ),
      ...(goesOn ? linkHop(stage, isLast ? end : null, isBrokenHere ? broken : null) : []).map(
        ({ says, state }) => hop('link', says, state),
      ),
      ...queueHops(stage, isBrokenHere ? broken : null).map(({ says, state }) => hop('queue', says, state)),
      ...(stage.notes ?? []).map(says => hop('link', says, 'note')),
      ...(isLast ? endHop(end).map(({ says, state }) => hop('end', says, state)) : []),
    ];
  });
}

const isBeforeRouting = ({ hook }: SampledEffect): boolean => hook === 'prerouting';

const rulesHop = (
  { unread }: Stage,
  hop: (what: Hop['what'], says: string, state?: Hop['state']) => Hop,
): Hop =>
  unread.length > 0
    ? hop('rules', `not all could be read: ${unread[0]?.remedy}`, 'unknown')
    : hop('rules', 'no rule stops it');

export type Part = Pick<Hop, 'says' | 'state'>;

/** Said once, where the packet is put into another one. */
const tunnelHop = ({ tunnel, packet }: Stage, before: Stage | undefined): readonly Part[] =>
  tunnel === undefined || before?.tunnel?.device === tunnel.device
    ? []
    : [
        {
          says: `inside ${tunnel.kind} ${tunnel.device}, to ${packet.destination}; ${tunnel.overhead} bytes more${tunnel.mayFragment ? ', may be cut' : ''}`,
          state: 'ok',
        },
      ];

const forwardingHop = ({ forwarding }: Stage, end: LegEnd | null): readonly Part[] =>
  forwarding === null
    ? []
    : [
        {
          says: `${forwarding.sysctl} = ${forwarding.value}`,
          state: end?.kind === 'not-forwarded' ? 'stop' : 'ok',
        },
      ];

function routeHop({ route, packet }: Stage, end: LegEnd | null): readonly Part[] {
  if (route === null) return [];
  const { answer } = route;
  if (answer.kind === 'refused')
    return [
      {
        says: `to ${packet.destination}: ${answer.says}`,
        state: end?.kind === 'link-down' ? 'note' : end?.kind === 'unseen' ? 'unknown' : 'stop',
      },
    ];
  if (answer.kind === 'local') return [{ says: `${packet.destination} is here`, state: 'ok' }];
  const via = answer.gateway === null ? 'on the link' : `via ${answer.gateway}`;
  const mtu = answer.mtu === null ? '' : `, MTU ${answer.mtu} learnt`;
  return [{ says: `to ${packet.destination} ${via}, by ${answer.device}${mtu}`, state: 'ok' }];
}

export function sayEffect({
  rule,
  chain,
  table,
  does,
  packets,
  packetsBefore,
  certain,
}: SampledEffect): string {
  const which = `${table} ${chain}: ${rule ?? 'policy'}`;
  const growth =
    packets !== null && packetsBefore !== null && packets > packetsBefore
      ? `, +${packets - packetsBefore} packets`
      : '';
  const word = {
    drop: 'drops',
    reject: 'rejects',
    'translate-source': 'new source',
    'translate-destination': 'new destination',
  }[does];
  return `${certain ? word : `perhaps ${word}`}${growth}: ${which}`;
}

const stateOf = (effect: SampledEffect, broken: Broken | null): Hop['state'] => {
  if (broken?.effect?.key === effect.key) return 'stop';
  return effect.does.startsWith('translate') ? 'note' : 'unknown';
};

const trackingHop = ({ tracked }: Stage): readonly Part[] =>
  tracked === null || tracked.count < tracked.most * 0.9
    ? []
    : [
        {
          says: `${tracked.count} of ${tracked.most} connections tracked`,
          state: tracked.count >= tracked.most ? 'stop' : 'note',
        },
      ];

function neighbourHop(
  { nextHop, neighbour, holders }: Stage,
  end: LegEnd | null,
  broken: Broken | null,
): readonly Part[] {
  if (nextHop === null) return [];
  if (broken?.fault === 'address-conflict')
    return [
      {
        says: `${nextHop} is on ${holders.map(({ place, device }) => `${device} of ${place}`).join(' and ')}; sends to ${neighbour?.mac ?? 'either'}`,
        state: 'stop',
      },
    ];
  const isSilent = neighbour !== null && /^(?:FAILED|INCOMPLETE)$/.test(neighbour.state);
  if (end?.kind === 'nobody')
    return [
      {
        says: `nobody on the link has ${nextHop}${isSilent ? `, and nobody answers (${neighbour.state})` : ''}`,
        state: 'stop',
      },
    ];
  if (neighbour === null) return [];
  return [
    {
      says: `${nextHop} is ${neighbour.mac ?? 'unknown'} (${neighbour.state})`,
      state: isSilent ? 'note' : 'ok',
    },
  ];
}

function linkHop(
  { leavesBy, crossed, place }: Stage,
  end: LegEnd | null,
  broken: Broken | null,
): readonly Part[] {
  if (end?.kind === 'link-down') {
    return [{ says: `${end.device} in ${end.place} ${sayLinkFault(end.how)}`, state: 'stop' }];
  }
  if (leavesBy === null && crossed.length === 0) return [];
  const isItself = ({ device, place: where }: Segment): boolean =>
    device === leavesBy?.name && where === place;
  const over = crossed.filter(segment => segment.kind !== 'wire' && !isItself(segment)).map(saySegment);
  const to = crossed.filter(({ kind }) => kind === 'wire').map(saySegment);
  const way = [...(leavesBy === null ? [] : [leavesBy.name]), ...over, ...to.slice(-1)].join(' → ');
  if (broken?.fault === 'mtu-black-hole' && broken.mtu !== null)
    return [
      {
        says: `${way}; takes ${broken.mtu.fits} bytes, and the sender sends ${broken.mtu.sent}`,
        state: 'stop',
      },
    ];
  return [
    {
      says: `${way} (MTU ${Math.min(...(leavesBy === null ? [] : [leavesBy.mtu]), ...crossed.map(({ mtu }) => mtu))})`,
      state: 'ok',
    },
  ];
}

function endHop(end: LegEnd): readonly Part[] {
  switch (end.kind) {
    case 'left':
      return [
        {
          says: `leaves this machine by ${end.device}; what is beyond is not seen from here`,
          state: 'unknown',
        },
      ];
    case 'unseen':
      return [{ says: `${end.missing.what}: ${end.missing.remedy}`, state: 'unknown' }];
    case 'wrong-way-in':
      return [
        {
          says: `came in by ${end.device}, answers would leave by another device (rp_filter)`,
          state: 'stop',
        },
      ];
    case 'astray':
      return [{ says: `ends here, and not where the connection is from`, state: 'stop' }];
    case 'too-long':
      return [{ says: 'goes in circles: more namespaces than are followed', state: 'stop' }];
    default:
      return [];
  }
}

function listenerHops({ target, destination }: PacketWalk): readonly Hop[] {
  if (target === null) return [];
  const hop = (says: string, state: Hop['state']): Hop => ({
    direction: 'out',
    place: target.place,
    what: 'listener',
    state,
    says,
  });
  if (!target.listeners.present) return [hop(`not seen: ${target.listeners.remedy}`, 'unknown')];
  const { port = destination.port } = target;
  const [listener] = target.listeners.value;
  if (listener === undefined) return [hop(`nobody listens on port ${port}: connections are refused`, 'stop')];
  const isFull = listener.backlog !== null && listener.queued > listener.backlog;
  return [
    hop(
      `${sayPort(listener.address, port)}, ${listener.queued} of ${listener.backlog ?? '?'} wait for accept()`,
      isFull ? 'stop' : 'ok',
    ),
  ];
}

function sayResult(walk: PacketWalk, broken: Broken | null, hops: readonly Hop[]): string {
  const stop = hops.find(({ state }) => state === 'stop');
  if (broken !== null)
    return `First broken hop: ${broken.stage.place}, ${broken.direction === 'out' ? 'on the way there' : 'on the way back'} (network/${broken.fault}${broken.acted === null ? '' : ', seen acting'}).`;
  if (stop !== undefined) return `It ends in ${stop.place}: ${stop.says}.`;
  const unknown = hops.find(({ state, what }) => state === 'unknown' && what === 'end');
  if (unknown !== undefined) return `Nothing on this machine stops it; ${unknown.says}.`;
  const probe =
    walk.probe === null
      ? ''
      : ` The probe: ${walk.probe.tcp} within ${walk.probe.milliseconds} ms${walk.beyond === undefined ? '' : ', by the proxy'}.`;
  return `Nothing stops a packet to ${sayDestination(walk.destination)}, there or back.${probe}`;
}
