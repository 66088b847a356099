import type { RuleOf } from '../../../diagnose/case.ts';
import { inHostNamespace } from '../../../diagnose/net-counters.ts';
import { sayNamespace } from '../../../diagnose/network-losses.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import type { definition, VethFacts } from './case.ts';
import { type Attachment, attachmentOf, hopsOf } from './hops.ts';

/** Below it the hops cost a fraction of a percent of a CPU: some microseconds each. */
const worthTelling = 2000;

export const rule: RuleOf<typeof definition> = facts => {
  const attachment = attachmentOf(facts);
  if (attachment === null)
    return ruledOut({
      claim: inHostNamespace(facts)
        ? "It uses the host's network: no hop of its own"
        : 'It has no device but loopback',
      source: `/proc/${facts.container.init ?? '?'}/ns/net`,
      observed:
        facts.container.namespaces.net === undefined ? '?' : `net:[${facts.container.namespaces.net}]`,
    });
  const perSecond = Math.round((attachment.packets * 1000) / facts.windowMs);
  if (attachment.device.kind !== 'veth' || perSecond < worthTelling)
    return ruledOut(deviceEvidence(facts, attachment));
  const hops = hopsOf(attachment);
  return found({
    // By design: whether it matters is for those to say who know what the program needs.
    severity: 'notice',
    certainty: 'proved',
    summary: `${perSecond} packets a second passed ${attachment.device.name} of this container, and each of them ${hops.length} stations on this machine: ${hops.join(', ')}. A packet over the host's own network or a macvlan passes fewer. What each costs here is measured by: glassbox lab run network/veth-cost.`,
    evidence: [
      deviceEvidence(facts, attachment),
      ...peerEvidence(facts, attachment),
      ...bridgeEvidence(facts, attachment),
      ...routeEvidence(facts, attachment),
    ],
    excluded: [],
    fixes: [
      {
        action: 'Where the round trip counts: macvlan or ipvlan, which have no second device and no bridge',
        command: 'docker network create --driver macvlan --opt parent=<device> …',
        effect: 'The packet goes from the container to the card below at once; still its own namespace.',
        risk: 'The host itself cannot reach it over that card, and the switch sees more addresses.',
      },
      {
        action: "The host's network, when isolation of the network is not what the container is for",
        command: 'docker run --network host …',
        effect: 'No hop at all.',
        risk: 'Its ports, listeners and unix sockets in abstract names are those of the host.',
      },
      {
        action: 'Fewer and larger packets: batching, keep-alive, GRO and TSO on both ends of the veth',
        command: `nsenter -t ${facts.container.init ?? '<pid>'} -n ethtool -k ${attachment.device.name}`,
        effect: 'A hop costs by packet, hardly by byte: 64 KiB in one pays once.',
        risk: 'No risk',
      },
    ],
    trace: 'softirq',
  });
};

const deviceEvidence = ({ container, windowMs }: VethFacts, { device }: Attachment): Evidence => ({
  claim: `Its device: ${device.name}, ${device.kind === '' ? 'hardware' : device.kind}`,
  source: `nsenter -t ${container.init ?? '?'} -n ip -s -d link show dev ${device.name}`,
  observed: `+${device.received} received, +${device.sent} sent in ${(windowMs / 1000).toFixed(1)} s`,
});

const peerEvidence = (facts: VethFacts, { peer }: Attachment): readonly Evidence[] =>
  peer === null
    ? []
    : [
        {
          claim: `The other end, in ${sayNamespace(facts, peer.place)}`.slice(0, 60),
          source: `nsenter -t ${peer.place.pid} -n ip -d link show dev ${peer.device.name}`,
          observed: `${peer.device.name}, +${peer.device.received} received, +${peer.device.sent} sent`,
        },
      ];

const bridgeEvidence = (_: VethFacts, { peer, bridge }: Attachment): readonly Evidence[] =>
  peer === null || bridge === null
    ? []
    : [
        {
          claim: 'The bridge that this is a port of',
          source: `nsenter -t ${peer.place.pid} -n bridge link show dev ${peer.device.name}`,
          observed: bridge.name,
        },
      ];

const routeEvidence = (_: VethFacts, { peer, routed }: Attachment): readonly Evidence[] =>
  peer === null || routed === 0
    ? []
    : [
        {
          claim: 'Packets passed on as a router there',
          source: `/proc/${peer.place.pid}/net/snmp Ip.ForwDatagrams`,
          observed: `+${routed}`,
        },
      ];
