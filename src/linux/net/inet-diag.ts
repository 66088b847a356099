import { absent, present } from '../reading.ts';
import { formatAddress } from './address.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { type DatagramEnd, readMessages } from './netlink.ts';

/**
 * The wire form of sock_diag(7) for TCP listeners (include/uapi/linux/{netlink,sock_diag,inet_diag}.h). Netlink
 * is in the machine's byte order but for ports and addresses, which are in network order.
 */
const nlmsgHeader = 16;
const sockDiagByFamily = 20;
const requestAndDump = 0x301;
const protocolTcp = 6;
const stateListen = 10;
/** inet_diag_msg: family, state, timer, retrans, sockid (48), expires, rqueue, wqueue, uid, inode. */
const messageSize = 72;
const attributeSkmeminfo = 7;
/** Index of SK_MEMINFO_DROPS among the 32-bit words of the attribute; kernel 4.7 and later. */
const wordDrops = 8;

export const addressFamily = { inet: 2, inet6: 10 } as const;
export type AddressFamily = (typeof addressFamily)[keyof typeof addressFamily];

/** inet_diag_req_v2 for all TCP sockets in state LISTEN, and for nothing else: others may be 200,000. */
export function listenDumpRequest(family: AddressFamily, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(nlmsgHeader + 56);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, littleEndian);
  view.setUint16(4, sockDiagByFamily, littleEndian);
  view.setUint16(6, requestAndDump, littleEndian);
  view.setUint32(8, 1, littleEndian);
  view.setUint8(nlmsgHeader, family);
  view.setUint8(nlmsgHeader + 1, protocolTcp);
  view.setUint8(nlmsgHeader + 2, 1 << (attributeSkmeminfo - 1));
  view.setUint32(nlmsgHeader + 4, 1 << stateListen, littleEndian);
  return bytes;
}

/** One datagram of the answer. */
export interface ListenDump {
  readonly sockets: readonly ListeningSocket[];
  readonly end: DatagramEnd;
}

export function parseListenDump(datagram: Uint8Array, littleEndian: boolean): ListenDump {
  const sockets: ListeningSocket[] = [];
  const end = readSockets(datagram, littleEndian, message => {
    const socket = parseMessage(message, littleEndian);
    if (socket !== undefined) sockets.push(socket);
  });
  return { sockets, end };
}

/** Hands on what follows the header of each message about a socket. */
export const readSockets = (
  datagram: Uint8Array,
  littleEndian: boolean,
  take: (message: Uint8Array) => void,
): DatagramEnd => readMessages(datagram, sockDiagByFamily, littleEndian, take);

/** Netlink messages and attributes start at multiples of four. */
const align = (length: number): number => (length + 3) & ~3;

function parseMessage(message: Uint8Array, littleEndian: boolean): ListeningSocket | undefined {
  if (message.length < messageSize) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const family = view.getUint8(0);
  if (view.getUint8(1) !== stateListen) return undefined;
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return undefined;
  const drops = parseDrops(message.subarray(messageSize), littleEndian);
  return {
    address: formatAddress(message.subarray(8, family === addressFamily.inet ? 12 : 24)),
    port: view.getUint16(4, false),
    queued: view.getUint32(56, littleEndian),
    backlog: present(view.getUint32(60, littleEndian)),
    drops:
      drops === undefined
        ? absent('the drops of a socket', 'kernel-too-old', 'sock_diag counts them from Linux 4.7 on')
        : present(drops),
    inode: view.getUint32(68, littleEndian),
    uid: view.getUint32(64, littleEndian),
  };
}

function parseDrops(attributes: Uint8Array, littleEndian: boolean): number | undefined {
  const view = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
  let offset = 0;
  while (offset + 4 <= attributes.length) {
    const length = view.getUint16(offset, littleEndian);
    const type = view.getUint16(offset + 2, littleEndian);
    if (length < 4 || offset + length > attributes.length) return undefined;
    const word = offset + 4 + 4 * wordDrops;
    if (type === attributeSkmeminfo) {
      return word + 4 <= offset + length ? view.getUint32(word, littleEndian) : undefined;
    }
    offset += align(length);
  }
  return undefined;
}
