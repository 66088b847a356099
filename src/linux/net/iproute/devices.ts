import { flatMapReading, parsed, type Reading } from '../../reading.ts';
import { type LinkDetail, parseLinkDetail } from './link-detail.ts';
import { askTool, isRecord, numberOf, parseJsonList, textOf } from './run.ts';

/** A network device as `ip -j -d -s address` shows it (rtnetlink RTM_NEWLINK and RTM_NEWADDR). */
export interface NetDevice {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `macvlan`, `ipvlan`, `vlan`, `vxlan`, `tun` …; null for hardware and lo. */
  readonly kind: string | null;
  readonly mac: string | null;
  readonly mtu: number;
  /** IFF_UP: somebody wants it up. */
  readonly up: boolean;
  /** IFF_LOWER_UP: a carrier; a veth has one when its peer is up too. */
  readonly carrier: boolean;
  readonly addresses: readonly DeviceAddress[];
  /** The other end of a veth, the parent of a macvlan or VLAN: its index, and in whose namespace (null: in this one). */
  readonly link: { readonly index: number; readonly namespace: number | null } | null;
  /** What its kind adds to that; null where nothing on a packet's way depends on it. */
  readonly detail: LinkDetail | null;
  /** The namespace whose routes a tunnel's outer packets take: its number, null for this one. */
  readonly underlay: number | null;
  /** The program that sees each packet before anything else does (XDP). */
  readonly xdp: { readonly id: number; readonly mode: string } | null;
  /** The bridge, bond or VRF it is a port of. */
  readonly master: string | null;
  /** Of a bridge port: `forwarding`, `blocking`, `disabled` …; of a bond's: `ACTIVE`, `BACKUP`. */
  readonly portState: string | null;
  /** A bridge port that exchanges no frames with other such ports. */
  readonly isolated: boolean;
  /** Of a bridge: whether its traffic passes iptables, and ip6tables, although it is not routed. */
  readonly callsIptables: boolean;
  readonly callsIp6tables: boolean;
  /** Of a bridge: whether its ports belong to VLANs (vlan_filtering). */
  readonly filtersVlans: boolean;
  /** Packets since it was made. */
  readonly received: number;
  readonly sent: number;
  readonly receiveDropped: number;
  readonly sendDropped: number;
}

export interface DeviceAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** IPv6 only. tentative: not known yet whether it is free. failed: somebody else on the link has it (RFC 4862, 5.4). */
  readonly duplicate?: 'tentative' | 'failed';
}

/** Those of the network namespace of the calling thread. */
export const readDevices = (): Reading<readonly NetDevice[]> =>
  flatMapReading(askTool('ip', ['-j', '-d', '-s', 'address', 'show'], 'iproute2'), text =>
    parsed('ip -j -d -s address show', parseDevices(text)),
  );

export function parseDevices(text: string): readonly NetDevice[] | undefined {
  const list = parseJsonList(text);
  if (list === undefined) return undefined;
  // A link to a device of this very namespace is given by name.
  const indexes = new Map(list.map(({ ifname, ifindex }) => [textOf(ifname), numberOf(ifindex)]));
  return list.flatMap(entry => parseDevice(entry, indexes) ?? []);
}

function parseDevice(
  entry: Record<string, unknown>,
  indexes: ReadonlyMap<string | undefined, number | undefined>,
): NetDevice | undefined {
  const index = numberOf(entry.ifindex);
  const name = textOf(entry.ifname);
  const mtu = numberOf(entry.mtu);
  if (index === undefined || name === undefined || mtu === undefined) return undefined;
  const flags: readonly unknown[] = Array.isArray(entry.flags) ? entry.flags : [];
  const info = isRecord(entry.linkinfo) ? entry.linkinfo : {};
  const slave = isRecord(info.info_slave_data) ? info.info_slave_data : {};
  const data = isRecord(info.info_data) ? info.info_data : {};
  const there = numberOf(entry.link_index) ?? indexes.get(textOf(entry.link));
  const { rx, tx } = isRecord(entry.stats64) ? entry.stats64 : {};
  const counterOf = (direction: unknown, field: string): number =>
    isRecord(direction) ? (numberOf(direction[field]) ?? 0) : 0;
  const kind = textOf(info.info_kind) ?? null;
  return {
    index,
    name,
    kind,
    mac: textOf(entry.address) ?? null,
    mtu,
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP'),
    addresses: addressesOf(entry.addr_info),
    link: there === undefined ? null : { index: there, namespace: numberOf(entry.link_netnsid) ?? null },
    detail: parseLinkDetail(kind, info.info_data),
    underlay: numberOf(entry.link_netnsid) ?? null,
    xdp: parseXdp(entry.xdp),
    master: textOf(entry.master) ?? null,
    portState: textOf(slave.state) ?? null,
    isolated: slave.isolated === true,
    callsIptables: data.nf_call_iptables === 1,
    callsIp6tables: data.nf_call_ip6tables === 1,
    filtersVlans: data.vlan_filtering === 1,
    received: counterOf(rx, 'packets'),
    sent: counterOf(tx, 'packets'),
    receiveDropped: counterOf(rx, 'dropped'),
    sendDropped: counterOf(tx, 'dropped'),
  };
}

const xdpModes: Readonly<Record<number, string>> = { 1: 'driver', 2: 'generic', 3: 'offload', 4: 'several' };

/** `"xdp":{"mode":2,"prog":{"id":17,"tag":"…"}}` (IFLA_XDP). */
function parseXdp(value: unknown): NetDevice['xdp'] {
  if (!isRecord(value)) return null;
  const program = isRecord(value.prog) ? numberOf(value.prog.id) : undefined;
  return program === undefined ? null : { id: program, mode: xdpModes[numberOf(value.mode) ?? 0] ?? 'some' };
}

const addressesOf = (list: unknown): NetDevice['addresses'] =>
  (Array.isArray(list) ? list.filter(isRecord) : []).flatMap((entry): readonly DeviceAddress[] => {
    const address = textOf(entry.local);
    const prefixLength = numberOf(entry.prefixlen);
    if (address === undefined || prefixLength === undefined) return [];
    const duplicate =
      entry.dadfailed === true ? 'failed' : entry.tentative === true ? 'tentative' : undefined;
    return [{ address, prefixLength, ...(duplicate === undefined ? {} : { duplicate }) }];
  });
