import type { NetworkPlace } from '../observe/networks.ts';
import type { CommonFacts } from './facts.ts';
import type { Evidence } from './verdict.ts';

/** Packets that a counter on this machine says were lost in the window, and where. */
export interface Loss {
  readonly place: NetworkPlace;
  readonly how: 'queue' | 'sending' | 'receiving' | 'filtered' | 'tcp';
  /** The device, for the first three. */
  readonly device: string | null;
  readonly qdisc: string | null;
  readonly packets: number;
}

/** The most first. */
export const lossesIn = (places: readonly NetworkPlace[]): readonly Loss[] =>
  places.flatMap(lossesOf).sort((a, b) => b.packets - a.packets);

function lossesOf(place: NetworkPlace): readonly Loss[] {
  const losses: Loss[] = place.devices.flatMap(({ name, qdisc, queueDrops, sendDrops, receiveDrops }) => [
    { place, how: 'queue', device: name, qdisc, packets: queueDrops },
    { place, how: 'sending', device: name, qdisc, packets: sendDrops },
    { place, how: 'receiving', device: name, qdisc, packets: receiveDrops },
  ]);
  const { received, delivered, forwarded, refused, droppedByTcp } = place.packets;
  // What came to IP, went nowhere, and was not refused by IP itself: netfilter took it. A few are on their way.
  const vanished = received - delivered - forwarded - refused;
  return [
    ...losses,
    { place, how: 'filtered' as const, device: null, qdisc: null, packets: vanished },
    { place, how: 'tcp' as const, device: null, qdisc: null, packets: droppedByTcp },
  ].filter(({ packets }) => packets > 0);
}

/** `the container`, `the host`, `router (pid 4711)`. */
export function sayNamespace(
  { container, host }: Pick<CommonFacts, 'container' | 'host'>,
  place: Pick<NetworkPlace, 'namespace' | 'pid' | 'name'>,
): string {
  if (place.namespace === container.namespaces.net) return 'the container';
  if (place.namespace === host.namespaces.net) return 'the host';
  return `the network of ${place.name} (pid ${place.pid})`;
}

export function sayLoss(
  facts: Pick<CommonFacts, 'container' | 'host'>,
  { place, how, device, qdisc }: Loss,
): string {
  const where = sayNamespace(facts, place);
  switch (how) {
    case 'queue':
      return `the full queue (${qdisc}) in front of ${device} in ${where}`;
    case 'sending':
      return `${device} in ${where}, as it sent`;
    case 'receiving':
      return `${device} in ${where}, as it received`;
    case 'filtered':
      return `a firewall rule in ${where}: packets came to IP and were not passed on`;
    case 'tcp':
      return `TCP in ${where}: no room in the receive buffer or backlog, or a bad checksum`;
  }
}

export function lossEvidence(facts: Pick<CommonFacts, 'container' | 'host'>, loss: Loss): Evidence {
  const { place, how, device, packets } = loss;
  const enter = `nsenter -t ${place.pid} -n`;
  const { received, delivered, forwarded } = place.packets;
  const where = sayNamespace(facts, place);
  switch (how) {
    case 'queue':
      return {
        claim: `Dropped by the queue of ${device}, ${where}`.slice(0, 60),
        source: `${enter} tc -s qdisc show dev ${device}`,
        observed: `dropped +${packets} (${loss.qdisc})`,
      };
    case 'sending':
    case 'receiving':
      return {
        claim: `Dropped by ${device} as it ${how === 'sending' ? 'sent' : 'received'}, ${where}`.slice(0, 60),
        source: `${enter} ip -s -s link show dev ${device}`,
        observed: `dropped and errors +${packets}`,
      };
    case 'filtered':
      return {
        claim: `Came to IP, were not passed on: ${where}`.slice(0, 60),
        source: `/proc/${place.pid}/net/snmp Ip`,
        observed: `InReceives +${received}, InDelivers +${delivered}, ForwDatagrams +${forwarded}`,
      };
    case 'tcp':
      return {
        claim: `Thrown away by TCP itself: ${where}`.slice(0, 60),
        source: `/proc/${place.pid}/net/netstat TcpExt.TCP*Drop, snmp Tcp.InErrs`,
        observed: `+${packets}`,
      };
  }
}
