import { formatAddress } from './address.ts';
import { type AddressFamily, addressFamily } from './inet-diag.ts';
import { parseTcpInfo, type TcpInfo } from './tcp-info.ts';

/**
 * The wire form of sock_diag(7) for TCP sockets that are not listening (include/uapi/linux/inet_diag.h). There may be
 * hundreds of thousands: they are handed on one by one as they come, without text, and nothing is kept.
 */
const nlmsgHeader = 16;
const sockDiagByFamily = 20;
const request = 0x1;
const dump = 0x300;
const protocolTcp = 6;
/** inet_diag_msg; see inet-diag.ts. */
const messageSize = 72;
const attributeInfo = 2;
const attributeSkmeminfo = 7;

/** include/net/tcp_states.h, as ss(8) says them. */
export const tcpStates = [
  '',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;
export type TcpState = (typeof tcpStates)[number];
/** All but SYN_RECV, which are the listener's, CLOSE and LISTEN. */
const connectionStates = 0xb76;

/** include/uapi/linux/inet_diag.h, idiag_timer: what the socket waits for. */
export const tcpTimers = ['none', 'retransmit', 'keepalive', 'time-wait', 'window-probe'] as const;
export type TcpTimer = (typeof tcpTimers)[number];

/** A socket of a datagram. A view: good only until the next one is read. */
export interface SocketView {
  readonly state: number;
  readonly timer: TcpTimer;
  /** How often that timer has run out in a row: retransmissions, or window probes. */
  readonly tries: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** Bytes that the program has not read. */
  readonly unread: number;
  /** Bytes written and not acknowledged. */
  readonly unsent: number;
  readonly inode: number;
  /** For maps: its two addresses and the remote port, as few numbers as they take. */
  destinationKey(): string;
  /** One and the same socket, however often it is looked at. */
  cookie(): string;
  keep(): TcpConnection;
}

export interface TcpConnection {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  readonly state: TcpState;
  readonly timer: TcpTimer;
  readonly unread: number;
  readonly unsent: number;
  /** As in the link `socket:[…]` of a descriptor; 0 when no descriptor is left. */
  readonly inode: number;
  readonly cookie: string;
  readonly info: TcpInfo | null;
  /** Memory held by what was received, and the limit for that (SK_MEMINFO_RMEM_ALLOC, RCVBUF). */
  readonly receiveMemory: { readonly used: number; readonly limit: number } | null;
  /** The kernel's id of the socket, to ask for this one again. */
  readonly id: Uint8Array;
}

export function connectionDumpRequest(
  family: AddressFamily,
  littleEndian: boolean,
  states = connectionStates,
): Uint8Array<ArrayBuffer> {
  return writeRequest(family, request | dump, 0, states, littleEndian);
}

/** One socket, with its tcp_info and its memory. */
export function connectionRequest(
  { id, remote }: Pick<TcpConnection, 'id' | 'remote'>,
  littleEndian: boolean,
): Uint8Array<ArrayBuffer> {
  const family = remote.includes(':') || isMapped(id) ? addressFamily.inet6 : addressFamily.inet;
  const extensions = (1 << (attributeInfo - 1)) | (1 << (attributeSkmeminfo - 1));
  const bytes = writeRequest(family, request, extensions, 0xffffffff, littleEndian);
  bytes.set(id, nlmsgHeader + 8);
  return bytes;
}

/** An IPv4 connection of an IPv6 socket: `::ffff:10.0.0.1`. */
const isMapped = (id: Uint8Array): boolean => id[14] === 0xff && id[15] === 0xff && id[30] === 0xff;

function writeRequest(
  family: AddressFamily,
  flags: number,
  extensions: number,
  states: number,
  littleEndian: boolean,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(nlmsgHeader + 56);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, littleEndian);
  view.setUint16(4, sockDiagByFamily, littleEndian);
  view.setUint16(6, flags, littleEndian);
  view.setUint32(8, 1, littleEndian);
  view.setUint8(nlmsgHeader, family);
  view.setUint8(nlmsgHeader + 1, protocolTcp);
  view.setUint8(nlmsgHeader + 2, extensions);
  view.setUint32(nlmsgHeader + 4, states, littleEndian);
  return bytes;
}

/** A socket of the answer; undefined for a message that is none. `message` begins after the netlink header. */
export function viewSocket(message: Uint8Array, littleEndian: boolean): SocketView | undefined {
  if (message.length < messageSize) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const family = view.getUint8(0);
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return undefined;
  const word = (offset: number): number => view.getUint32(offset, littleEndian);
  const cookie = (): string => `${word(48).toString(16)}${word(44).toString(16).padStart(8, '0')}`;
  return {
    state: view.getUint8(1),
    timer: tcpTimers[view.getUint8(2)] ?? 'none',
    tries: view.getUint8(3),
    localPort: view.getUint16(4, false),
    remotePort: view.getUint16(6, false),
    unread: word(56),
    unsent: word(60),
    inode: word(68),
    destinationKey: () =>
      family === addressFamily.inet
        ? `${word(8)} ${word(24)} ${view.getUint16(6)}`
        : `${message.subarray(8, 40).join('.')} ${view.getUint16(6)}`,
    cookie,
    keep: () => {
      const attributes = attributesOf(message.subarray(messageSize), littleEndian);
      const info = attributes.get(attributeInfo);
      const memory = attributes.get(attributeSkmeminfo);
      return {
        local: address(message, 8, family),
        localPort: view.getUint16(4, false),
        remote: address(message, 24, family),
        remotePort: view.getUint16(6, false),
        state: tcpStates[view.getUint8(1)] ?? '',
        timer: tcpTimers[view.getUint8(2)] ?? 'none',
        unread: word(56),
        unsent: word(60),
        inode: word(68),
        cookie: cookie(),
        info: (info === undefined ? undefined : parseTcpInfo(info, littleEndian)) ?? null,
        receiveMemory: memory === undefined ? null : receiveMemory(memory, littleEndian),
        id: message.slice(4, 52),
      };
    },
  };
}

/** Without the `::ffff:` of IPv4 over an IPv6 socket: the same address, the same destination. */
const address = (message: Uint8Array, offset: number, family: number): string =>
  formatAddress(message.subarray(offset, offset + (family === addressFamily.inet ? 4 : 16))).replace(
    /^::ffff:(?=\d+\.)/,
    '',
  );

function receiveMemory(bytes: Uint8Array, littleEndian: boolean): TcpConnection['receiveMemory'] {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { used: view.getUint32(0, littleEndian), limit: view.getUint32(4, littleEndian) };
}

function attributesOf(bytes: Uint8Array, littleEndian: boolean): ReadonlyMap<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = view.getUint16(offset, littleEndian);
    if (length < 4 || offset + length > bytes.length) break;
    attributes.set(view.getUint16(offset + 2, littleEndian), bytes.subarray(offset + 4, offset + length));
    offset += (length + 3) & ~3;
  }
  return attributes;
}
