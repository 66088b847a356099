/**
 * The wire form of rtnetlink(7) dumps of devices and their queues (include/uapi/linux/{rtnetlink,if_link,pkt_sched}.h):
 * what `ip -s -d link` and `tc -s qdisc` show, for one network namespace.
 */
const header = 16;
const requestAndDump = 0x301;
export const rtm = { newLink: 16, getLink: 18, newQdisc: 36, getQdisc: 38 } as const;

export interface Device {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `macvlan`, `ipvlan`, `tun` …; empty for hardware, virtio and loopback. */
  readonly kind: string;
  readonly loopback: boolean;
  /** IFF_UP, and with it IFF_LOWER_UP: the cable is in. */
  readonly up: boolean;
  readonly carrier: boolean;
  readonly mtu: number;
  /** The device it hangs on, by index: the other end of a veth, what is below a macvlan; null for none. */
  readonly link: number | null;
  /** The number of the namespace that has that one; null: this namespace. */
  readonly linkNamespace: number | null;
  /** The bridge or bond it is a port of. */
  readonly master: number | null;
  readonly stats: DeviceStats;
}

/** Packets since the device was made. */
export interface DeviceStats {
  readonly received: number;
  readonly sent: number;
  readonly receiveErrors: number;
  readonly sendErrors: number;
  /** For want of a buffer, a queue place or somebody who wants them; `missed` by the hardware. */
  readonly receiveDropped: number;
  readonly sendDropped: number;
}

export interface Qdisc {
  /** Index of its device. */
  readonly device: number;
  readonly kind: string;
  readonly isRoot: boolean;
  /** Packets that did not fit. */
  readonly drops: number;
}

/** A request for all of them; `payload` is the fixed part that the kernel wants to see, all zeros. */
export function dumpRequest(type: number, payload: number, little: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(header + payload);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, little);
  view.setUint16(4, type, little);
  view.setUint16(6, requestAndDump, little);
  view.setUint32(8, 1, little);
  return bytes;
}

export const linkRequest = (little: boolean): Uint8Array<ArrayBuffer> => dumpRequest(rtm.getLink, 16, little);
export const qdiscRequest = (little: boolean): Uint8Array<ArrayBuffer> =>
  dumpRequest(rtm.getQdisc, 20, little);

const interfaceUp = 0x1;
const interfaceLoopback = 0x8;
const interfaceLowerUp = 0x10000;

/** What follows the netlink header of an RTM_NEWLINK: struct ifinfomsg, then attributes. */
export function parseLink(message: Uint8Array, little: boolean): Device | undefined {
  if (message.length < 16) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const attributes = attributesOf(message.subarray(16), little);
  const name = text(attributes.get(3));
  const stats = attributes.get(23);
  if (name === undefined || stats === undefined) return undefined;
  const info = attributes.get(18);
  const flags = view.getUint32(8, little);
  return {
    index: view.getInt32(4, little),
    name,
    kind: (info === undefined ? undefined : text(attributesOf(info, little).get(1))) ?? '',
    loopback: (flags & interfaceLoopback) !== 0,
    up: (flags & interfaceUp) !== 0,
    carrier: (flags & interfaceLowerUp) !== 0,
    mtu: word(attributes.get(4), little) ?? 0,
    link: word(attributes.get(5), little) ?? null,
    linkNamespace: word(attributes.get(37), little) ?? null,
    master: word(attributes.get(10), little) ?? null,
    stats: parseStats(stats, little),
  };
}

/** struct rtnl_link_stats64. */
function parseStats(bytes: Uint8Array, little: boolean): DeviceStats {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (index: number): number =>
    8 * index + 8 <= bytes.length ? Number(view.getBigUint64(8 * index, little)) : 0;
  return {
    received: at(0),
    sent: at(1),
    receiveErrors: at(4),
    sendErrors: at(5),
    receiveDropped: at(6) + at(15),
    sendDropped: at(7),
  };
}

/** What follows the netlink header of an RTM_NEWQDISC: struct tcmsg, then attributes. */
export function parseQdisc(message: Uint8Array, little: boolean): Qdisc | undefined {
  if (message.length < 20) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const attributes = attributesOf(message.subarray(20), little);
  const kind = text(attributes.get(1));
  const stats = attributes.get(7);
  if (kind === undefined) return undefined;
  // TCA_STATS2 → TCA_STATS_QUEUE: qlen, backlog, drops, requeues, overlimits.
  const queue = stats === undefined ? undefined : attributesOf(stats, little).get(3);
  const drops = queue === undefined || queue.length < 12 ? 0 : (word(queue.subarray(8), little) ?? 0);
  return {
    device: view.getInt32(4, little),
    kind,
    isRoot: view.getUint32(12, little) === 0xffffffff,
    drops,
  };
}

function attributesOf(bytes: Uint8Array, little: boolean): ReadonlyMap<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const length = view.getUint16(offset, little);
    if (length < 4 || offset + length > bytes.length) break;
    // The upper bits say that it is nested, and in network order.
    attributes.set(view.getUint16(offset + 2, little) & 0x3fff, bytes.subarray(offset + 4, offset + length));
    offset += (length + 3) & ~3;
  }
  return attributes;
}

const word = (bytes: Uint8Array | undefined, little: boolean): number | undefined =>
  bytes === undefined || bytes.length < 4
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, little);

/** Names end with a zero byte. */
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
