import type { KernelFiles } from '../files.ts';
import { absent, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import {
  families,
  getOption,
  nonBlocking,
  type OpenSocket,
  receiveUntil,
  setOption,
  socketAddress,
  withSocketOf,
} from './sockets.ts';

export interface EchoAnswer {
  /** Of the whole packet with its IP header. */
  readonly bytes: number;
  /** `answered`, `no answer`, or an error that the kernel or an ICMP message gave: `EMSGSIZE`, `EHOSTUNREACH`. */
  readonly answer: string;
  /** What the kernel knows of the path after an EMSGSIZE. */
  readonly mtu: number | null;
}

interface Protocol {
  readonly domain: number;
  /** IPPROTO_ICMP, IPPROTO_ICMPV6. */
  readonly number: number;
  readonly request: number;
  readonly reply: number;
  /** Of the IP header that a raw socket of IPv4 hands on with the packet, and of IPv6 not. */
  readonly ipHeader: number;
  readonly level: number;
  readonly options: readonly (readonly [name: number, value: number])[];
  readonly mtuOption: number;
}

/**
 * include/uapi/linux/in.h and in6.h: IP_MTU_DISCOVER = IP_PMTUDISC_PROBE (set DF, whatever was learnt of the path), so
 * that routers may not cut it in pieces; IP_RECVERR, so that what they say of it comes to this socket.
 */
const icmp: Protocol = {
  domain: families.inet,
  number: 1,
  request: 8,
  reply: 0,
  ipHeader: 20,
  level: 0,
  options: [
    [10, 3],
    [11, 1],
  ],
  mtuOption: 14,
};
const icmp6: Protocol = {
  domain: families.inet6,
  number: 58,
  request: 128,
  reply: 129,
  ipHeader: 40,
  level: 41,
  options: [
    [23, 3],
    [25, 1],
    [62, 1],
  ],
  mtuOption: 24,
};
const protocolOf = (address: string): Protocol => (address.includes(':') ? icmp6 : icmp);

const icmpHeader = 8;
export const smallEcho = 84;

/** One ICMP echo request that may not be fragmented, from the network namespace of `pid`, and what becomes of it. */
export async function echoFrom(
  files: KernelFiles,
  pid: HostPid,
  address: string,
  bytes: number,
  timeoutMs: number,
): Promise<Reading<EchoAnswer>> {
  const protocol = protocolOf(address);
  const where = socketAddress(address, 0);
  if (where === undefined) return absent(address, 'unreadable', 'it is not a numeric address');
  const open = <T>(use: (socket: OpenSocket) => Promise<Reading<T>>): Promise<Reading<T>> =>
    withSocketOf(files, pid, [protocol.domain, nonBlocking.raw, protocol.number], async socket => {
      for (const [name, value] of protocol.options) setOption(socket, protocol.level, name, value);
      // Only what this address sends comes to the socket, and what is said of packets to it.
      return socket.calls.connect(socket.descriptor, where, where.length) === 0
        ? use(socket)
        : absent(`an echo to ${address}`, 'unreadable', socket.error());
    });
  const id = (process.pid ^ bytes) & 0xffff;
  const answer = await open(async socket => {
    const request = echoRequest(protocol.request, id, bytes - protocol.ipHeader);
    if (socket.calls.send(socket.descriptor, request, request.length, 0) < 0) return present(socket.error());
    const got = await receiveUntil(socket, timeoutMs, what =>
      typeof what === 'string' ? what : isReply(what, protocol, id) ? 'answered' : undefined,
    );
    return present(got ?? 'no answer');
  });
  if (!answer.present) return answer;
  if (answer.value !== 'EMSGSIZE') return present({ bytes, answer: answer.value, mtu: null });
  // A socket keeps the route that it was connected with: a new one has what was learnt.
  const mtu = await open(async socket => present(getOption(socket, protocol.level, protocol.mtuOption)));
  return present({ bytes, answer: answer.value, mtu: mtu.present ? (mtu.value ?? null) : null });
}

/** RFC 792: type, code, checksum, identifier, sequence number, data. The kernel sums up those of IPv6 itself. */
export function echoRequest(type: number, id: number, bytes: number): Uint8Array {
  const message = new Uint8Array(Math.max(icmpHeader, bytes));
  const view = new DataView(message.buffer);
  view.setUint8(0, type);
  view.setUint16(4, id, false);
  view.setUint16(6, 1, false);
  view.setUint16(2, checksum(message), false);
  return message;
}

/** RFC 1071: the complement of the sum in ones' complement of all 16-bit words. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function isReply(packet: Uint8Array, { ipHeader, reply }: Protocol, id: number): boolean {
  const start = ipHeader === icmp.ipHeader ? ((packet[0] ?? 0) & 15) * 4 : 0;
  return packet[start] === reply && ((packet[start + 4] ?? 0) << 8) + (packet[start + 5] ?? 0) === id;
}
