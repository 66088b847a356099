import { inHostNamespace } from '../../../diagnose/net-counters.ts';
import type { NetworkPlace, PlaceDevice } from '../../../observe/networks.ts';
import type { VethFacts } from './case.ts';

/** How a container hangs on the network, and what a packet of it passes on this machine. */
export interface Attachment {
  readonly place: NetworkPlace;
  readonly device: PlaceDevice;
  readonly packets: number;
  /** The other end of its veth, and the place that has it. */
  readonly peer: { readonly place: NetworkPlace; readonly device: PlaceDevice } | null;
  /** The bridge that the other end is a port of. */
  readonly bridge: PlaceDevice | null;
  /** Packets that the place of the other end passed on as a router in the same time: then it is a hop as well. */
  readonly routed: number;
}

/** The device of the container that most packets passed, its loopback not counted; null without one. */
export function attachmentOf(facts: VethFacts): Attachment | null {
  if (inHostNamespace(facts)) return null;
  const place = placeOf(facts, facts.container.namespaces.net);
  const [device] = (place?.devices ?? [])
    .filter(({ kind }) => kind !== 'loopback')
    .sort((a, b) => traffic(b) - traffic(a));
  if (place === undefined || device === undefined) return null;
  const there = placeOf(facts, device.link?.namespace);
  const other = there?.devices.find(({ index }) => index === device.link?.index);
  const peer =
    device.kind === 'veth' && there !== undefined && other !== undefined
      ? { place: there, device: other }
      : null;
  const bridge = there?.devices.find(({ name, kind }) => kind === 'bridge' && name === other?.bridge) ?? null;
  return {
    place,
    device,
    packets: traffic(device),
    peer,
    bridge,
    routed: peer?.place.packets.forwarded ?? 0,
  };
}

const traffic = ({ received, sent }: PlaceDevice): number => received + sent;

const placeOf = ({ networks }: VethFacts, namespace: number | undefined): NetworkPlace | undefined =>
  networks.find(place => place.namespace === namespace);

/** In the order that a packet which leaves the container meets them. */
export function hopsOf({ device, peer, bridge, routed }: Attachment): readonly string[] {
  if (device.kind !== 'veth') return [`${device.kind || 'device'} ${device.name}`];
  return [
    `veth ${device.name}`,
    `backlog of a CPU`,
    ...(peer === null ? [] : [`veth ${peer.device.name}`]),
    ...(bridge === null ? [] : [`bridge ${bridge.name}`]),
    ...(routed > 0 ? ['routing and firewall'] : []),
  ];
}
