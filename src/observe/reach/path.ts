import type { EchoAnswer } from '../../linux/net/echo.ts';
import type { RouteAnswer } from '../../linux/net/iproute/route-get.ts';
import type { RuleEffect } from '../../linux/netfilter/evaluate.ts';
import type { Absent, Reading } from '../../linux/reading.ts';
import type { HostPid, NamespaceId } from '../../linux/units.ts';

/**
 * The ways of packets, as `diagnose --to` asks for them or as connections that wait in vain do. Plain data: what each
 * namespace on the way says of the packet; which hop is broken, rules decide (docs/design/011-packet-walk.md).
 */
export interface ReachFacts {
  readonly walks: readonly PacketWalk[];
  /** Devices of the container's own namespace. */
  readonly devices: Reading<readonly DeviceState[]>;
  /** Where its packets pass and rules may reject them; only when connections of it failed at once in the window. */
  readonly refusing?: readonly RefusingPlace[];
}

/** A connection that is refused leaves no socket, so that its destination is not known. */
export interface RefusingPlace extends Pick<Stage, 'namespace' | 'place' | 'pid' | 'unread'> {
  /** Those that may reject a TCP packet of the container; certain is none. */
  readonly rules: readonly SampledEffect[];
}

export interface PacketWalk {
  /** asked: by a person. unanswered: connections that were begun and got no answer. stalled: data that is not acknowledged. */
  readonly reason: 'asked' | 'unanswered' | 'stalled';
  readonly destination: Destination;
  /** The container's connections to it that waited in both samples. */
  readonly waiting: number;
  readonly out: Leg;
  /** The way of the answer; null when the packet did not arrive. */
  readonly back: Leg | null;
  readonly target: Target | null;
  readonly probe: ProbeResult | null;
  /** Where the packet arrives, docker-proxy takes the connection: the way of the one that it makes itself. */
  readonly beyond?: PacketWalk;
  /** Of a walk beyond: who makes the connection. */
  readonly by?: { readonly program: string; readonly pid: HostPid };
}

export interface Destination {
  readonly address: string;
  readonly port: number;
  /** As it was asked for, when that was a name or a container: `db:5432`. */
  readonly asked: string | null;
}

/** Who listens where the packet arrives. */
export interface Target {
  readonly place: string;
  /** The port as it was in the end: translations may have changed it. */
  readonly port?: number;
  readonly listeners: Reading<
    readonly { readonly address: string; readonly queued: number; readonly backlog: number | null }[]
  >;
}

/** Harmless packets that were sent on request: what came of them. */
export interface ProbeResult {
  /** `connected`, an error such as `ECONNREFUSED`, or `no answer`. */
  readonly tcp: string;
  /** Until this was noticed: no more than this, for a walk holds the thread meanwhile. */
  readonly milliseconds: number;
  /** Every packet, as it was announced. */
  readonly sent?: readonly string[];
  /** ICMP echoes that must not be fragmented: a small one, and one of the size that the path is said to take. */
  readonly echoes?: readonly EchoAnswer[];
  readonly questions?: readonly LinkAnswer[];
}

/** Who said on the link, asked by ARP or neighbour solicitation, that an address is theirs. */
export interface LinkAnswer {
  readonly address: string;
  /** The address is the asking container's own: each answer is a second holder's. */
  readonly own: boolean;
  readonly device: string;
  readonly macs: readonly string[];
}

export interface Leg {
  readonly stages: readonly Stage[];
  readonly end: LegEnd;
}

export type LegEnd =
  | { readonly kind: 'delivered'; readonly namespace: NamespaceId }
  /** Through hardware: what is beyond this machine cannot be seen from here. */
  | { readonly kind: 'left'; readonly device: string }
  | { readonly kind: 'unseen'; readonly missing: Absent }
  | { readonly kind: 'no-route'; readonly answer: Extract<RouteAnswer, { kind: 'refused' }> }
  /** Reverse path filter: answers to the packet's source would leave by another device. */
  | { readonly kind: 'wrong-way-in'; readonly device: string }
  | { readonly kind: 'not-forwarded'; readonly sysctl: string }
  | { readonly kind: 'dropped'; readonly effect: SampledEffect }
  | { readonly kind: 'link-down'; readonly device: string; readonly place: string; readonly how: LinkFault }
  /** No host on the link has the next hop's address. */
  | { readonly kind: 'nobody'; readonly address: string }
  /** Delivered to a namespace that is not the one the connection is from. */
  | { readonly kind: 'astray'; readonly place: string }
  | { readonly kind: 'too-long' };

/**
 * down: switched off. no-carrier: the other end is off or unplugged. port: the bridge or bond does not forward at this
 * port. isolated: it and the one it came from are kept apart. vlan: frames of this VLAN are not taken there.
 */
export type LinkFault = 'down' | 'no-carrier' | 'port' | 'isolated' | 'vlan';

/** What one network namespace does with the packet. */
export interface Stage {
  readonly namespace: NamespaceId;
  /** The container's name, `the host`, or a process in it. */
  readonly place: string;
  /** A process in it, by which to enter; null when only a mount keeps it. */
  readonly pid: HostPid | null;
  readonly enteredBy: DeviceState | null;
  readonly packet: { readonly source: string; readonly destination: string; readonly port: number | null };
  /** What was asked, as a command, and the kernel's answer. */
  readonly route: { readonly command: string; readonly answer: RouteAnswer } | null;
  readonly leavesBy: DeviceState | null;
  readonly nextHop: string | null;
  readonly neighbour: {
    readonly mac: string | null;
    readonly state: string;
    readonly macBefore: string | null;
  } | null;
  /** The value that decides whether packets from that device are forwarded; null for own packets. */
  readonly forwarding: { readonly sysctl: string; readonly value: string } | null;
  readonly effects: readonly SampledEffect[];
  readonly tracked: { readonly count: number; readonly most: number } | null;
  /** Bridges, macvlan parents and wires between here and the next stage. */
  readonly crossed: readonly Segment[];
  /** Others on the next link with the next hop's address. */
  readonly holders: readonly AddressHolder[];
  /** Traffic control on the devices passed from here to the next stage; a device without any is left out. */
  readonly queues?: Reading<readonly QueueState[]>;
  /** Programs that see the packet before anything else on the devices passed (XDP); what they do is not known. */
  readonly programs?: readonly {
    readonly place: string;
    readonly device: string;
    readonly id: number;
    readonly mode: string;
  }[];
  /** The tunnel in which the packet is while it is here: this stage is the outer packet's. */
  readonly tunnel?: TunnelState;
  /** What was taken for granted where there was a choice. */
  readonly notes?: readonly string[];
  /** Parts that could not be read: rule sets, counters. */
  readonly unread: readonly Absent[];
  /** Some of its /proc/net/{snmp,netstat}, at both ends of the window. */
  readonly counters: {
    readonly first: Readonly<Record<string, number>>;
    readonly last: Readonly<Record<string, number>>;
  };
}

/** A queue or hook of traffic control that the packet passes, with its counters at both ends of the window. */
export interface QueueState {
  readonly place: string;
  readonly device: string;
  readonly way: 'in' | 'out';
  /** `tbf`, `netem`, `fq_codel` …; `clsact` and `ingress` are hooks for filters. */
  readonly kind: string;
  readonly options: string;
  /** Those it let pass; a hook counts all that come. Null where it was not there in the first sample. */
  readonly packets: readonly [before: number | null, after: number];
  readonly drops: readonly [before: number | null, after: number];
  readonly filters: readonly {
    readonly text: string;
    /** What its actions saw and dropped; null where it is not counted, as a BPF program's verdicts are not. */
    readonly acted: Pick<QueueState, 'packets' | 'drops'> | null;
  }[];
}

export interface TunnelState {
  readonly device: string;
  readonly kind: string;
  /** Bytes around each packet. */
  readonly overhead: number;
  readonly mayFragment: boolean;
}

export interface SampledEffect extends RuleEffect {
  /** Its packet counter in the first sample; null when there is none to compare with. */
  readonly packetsBefore: number | null;
}

export interface DeviceState {
  readonly name: string;
  readonly kind: string | null;
  readonly mac: string | null;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  readonly addresses: readonly string[];
  /** IPv6 addresses that it may not use: somebody else on the link has them (duplicate address detection). */
  readonly refused?: readonly string[];
}

export interface Segment {
  readonly place: string;
  readonly device: string;
  readonly kind: 'bridge' | 'macvlan' | 'bond' | 'vlan' | 'tunnel' | 'wire';
  /** The smallest MTU of the ports passed. */
  readonly mtu: number;
}

export interface AddressHolder {
  readonly place: string;
  readonly namespace: NamespaceId;
  readonly device: string;
  readonly mac: string | null;
}

/** What is kept of the counters of a namespace on the way. */
export const keptCounters = [
  'Ip.InReceives',
  'Ip.InAddrErrors',
  'Ip.ForwDatagrams',
  'Ip.OutNoRoutes',
  'Ip.FragFails',
  'IpExt.InNoRoutes',
  'Ip6.InReceives',
  'Ip6.InAddrErrors',
  'Ip6.InNoRoutes',
  'Ip6.OutForwDatagrams',
  'Ip6.OutNoRoutes',
  'Ip6.FragFails',
  'Icmp6.InDestUnreachs',
  'Icmp6.InPktTooBigs',
  'Icmp.InDestUnreachs',
  'Icmp.OutDestUnreachs',
  'Tcp.ActiveOpens',
  'Tcp.AttemptFails',
  'Tcp.RetransSegs',
  'TcpExt.IPReversePathFilter',
  'TcpExt.ListenDrops',
  'TcpExt.ListenOverflows',
  'TcpExt.TCPSynRetrans',
  'TcpExt.TCPTimeouts',
] as const;
