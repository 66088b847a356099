import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import { isSameAddress } from '../../linux/netfilter/addresses.ts';
import type { Packet } from '../../linux/netfilter/evaluate.ts';
import { present } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import type { Crossing } from './crossing.ts';
import { deviceState } from './device-state.ts';
import { keptCounters, type SampledEffect, type Stage } from './path.ts';
import { queuesOf } from './queues.ts';
import type { NetworkView } from './view.ts';

export interface WalkContext {
  readonly view: NetworkView;
  /** The view of the first sample: counters of then. */
  readonly before: NetworkView | null;
  readonly placeOf: (id: NamespaceId) => string;
}

/** A translation that a namespace did on the way out; the answer's is its reverse, done by connection tracking. */
export interface Translation {
  readonly namespace: NamespaceId;
  readonly from: Packet;
  readonly to: Packet;
}

/** A namespace that a packet has come to: `enteredBy` null for its own packets. */
export interface Arrival {
  readonly namespace: NamespaceId;
  readonly enteredBy: NetDevice | null;
  readonly packet: Packet;
  /** It was handed down to be sent by this device, as an ipvlan of mode l3 does. */
  readonly onlyBy?: string;
}

/** What is found out about a namespace while the packet is in it; becomes its Stage. */
export interface Pass {
  readonly context: WalkContext;
  readonly arrival: Arrival;
  packet: Packet;
  readonly effects: SampledEffect[];
  route: Stage['route'];
  leavesBy: NetDevice | null;
  nextHop: string | null;
  forwarding: Stage['forwarding'];
  crossing: Crossing | null;
  readonly notes: string[];
}

export function stageOf(pass: Pass): Stage {
  const { context, arrival, packet, nextHop, crossing } = pass;
  const { view, before, placeOf } = context;
  const { namespace } = arrival;
  const inner = view.inner(namespace);
  const entryIn = (its: NetworkView | null) =>
    its === null || nextHop === null || pass.leavesBy === null
      ? undefined
      : neighbourOf(its, namespace, nextHop, pass.leavesBy.name);
  const neighbour = entryIn(view);
  const earlier = entryIn(before);
  return {
    namespace,
    place: placeOf(namespace),
    pid: view.namespaces.find(({ id }) => id === namespace)?.pid ?? null,
    enteredBy: arrival.enteredBy === null ? null : deviceState(arrival.enteredBy),
    packet: { source: packet.source, destination: packet.destination, port: packet.destinationPort },
    route: pass.route,
    leavesBy: pass.leavesBy === null ? null : deviceState(pass.leavesBy),
    nextHop,
    neighbour:
      neighbour === undefined
        ? null
        : { mac: neighbour.mac, state: neighbour.state, macBefore: earlier?.mac ?? null },
    forwarding: pass.forwarding,
    effects: pass.effects,
    tracked: inner.present ? inner.value.tracked : null,
    crossed: crossing?.crossed ?? [],
    holders: crossing?.holders ?? [],
    ...passedOn(pass),
    unread: inner.present ? inner.value.rules.unread : [inner],
    counters: { first: kept(before, namespace), last: kept(view, namespace) },
  };
}

/** By device too: every link may have its own fe80::1. */
export const neighbourOf = (view: NetworkView, namespace: NamespaceId, address: string, device: string) => {
  const inner = view.inner(namespace);
  return inner.present
    ? inner.value.neighbours.find(
        neighbour => neighbour.device === device && isSameAddress(neighbour.address, address),
      )
    : undefined;
};

/** What hangs on the devices between here and the next stage. */
function passedOn({ context, crossing, notes }: Pass): Passage {
  const all = [...notes, ...(crossing?.notes ?? [])];
  return {
    ...(crossing === null ? {} : hangingOn(context, crossing)),
    ...(all.length === 0 ? {} : { notes: all }),
  };
}

type Passage = Pick<Stage, 'queues' | 'programs' | 'notes'>;

function hangingOn(context: WalkContext, { passed }: Crossing): Passage {
  const programs = passed.flatMap(({ namespace, device, way }) =>
    device.xdp === null || way === 'out'
      ? []
      : [{ place: context.placeOf(namespace), device: device.name, ...device.xdp }],
  );
  return { queues: queuesOf(context, passed), ...(programs.length === 0 ? {} : { programs }) };
}

/** A stage that goes on by one more crossing: where a tunnel let the packet out. */
export function withCrossing(context: WalkContext, stage: Stage, crossing: Crossing): Stage {
  const more = hangingOn(context, crossing);
  const queues =
    stage.queues?.present && more.queues?.present
      ? present([...stage.queues.value, ...more.queues.value])
      : (more.queues ?? stage.queues);
  const programs = [...(stage.programs ?? []), ...(more.programs ?? [])];
  return {
    ...stage,
    crossed: [...stage.crossed, ...crossing.crossed],
    holders: crossing.holders,
    ...(queues === undefined ? {} : { queues }),
    ...(programs.length === 0 ? {} : { programs }),
  };
}

function kept(view: NetworkView | null, namespace: NamespaceId): Readonly<Record<string, number>> {
  const inner = view?.inner(namespace);
  if (inner?.present !== true) return {};
  const { counters } = inner.value;
  return Object.fromEntries(
    keptCounters.flatMap(name => (counters[name] === undefined ? [] : [[name, counters[name]]])),
  );
}
