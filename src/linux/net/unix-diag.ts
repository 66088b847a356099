/**
 * The wire form of sock_diag(7) for connected unix sockets (include/uapi/linux/unix_diag.h): each by its inode, with the name
 * that it is bound to and the inode of the other end.
 */
export interface UnixSocket {
  readonly inode: number;
  /** Inode of the other end; null when it is gone. */
  readonly peer: number | null;
  /** A path, or `@name` in the abstract namespace; null where it was never bound, as clients are. */
  readonly name: string | null;
}

const nlmsgHeader = 16;
const sockDiagByFamily = 20;
const requestAndDump = 0x301;
const familyUnix = 1;
const stateEstablished = 1;
const showName = 1;
const showPeer = 4;
/** unix_diag_msg: family, type, state, pad, inode, cookie (8). */
const messageSize = 16;
const attributeName = 0;
const attributePeer = 2;

/** unix_diag_req for connected sockets alone. */
export function unixDumpRequest(littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(nlmsgHeader + 24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, littleEndian);
  view.setUint16(4, sockDiagByFamily, littleEndian);
  view.setUint16(6, requestAndDump, littleEndian);
  view.setUint32(8, 1, littleEndian);
  view.setUint8(nlmsgHeader, familyUnix);
  view.setUint32(nlmsgHeader + 4, 1 << stateEstablished, littleEndian);
  view.setUint32(nlmsgHeader + 12, showName | showPeer, littleEndian);
  return bytes;
}

/** One message of the answer; undefined when it is cut short. */
export function parseUnixSocket(message: Uint8Array, littleEndian: boolean): UnixSocket | undefined {
  if (message.length < messageSize || message[0] !== familyUnix) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let peer: number | null = null;
  let name: string | null = null;
  for (let offset = messageSize; offset + 4 <= message.length; ) {
    const length = view.getUint16(offset, littleEndian);
    const type = view.getUint16(offset + 2, littleEndian);
    if (length < 4 || offset + length > message.length) return undefined;
    if (type === attributePeer && length >= 8) peer = view.getUint32(offset + 4, littleEndian);
    if (type === attributeName) name = nameOf(message.subarray(offset + 4, offset + length));
    offset += (length + 3) & ~3;
  }
  return { inode: view.getUint32(4, littleEndian), peer, name };
}

/** An abstract name begins with a zero byte, which people write as @; a path may end with one. */
function nameOf(bytes: Uint8Array): string | null {
  const text = new TextDecoder().decode(bytes);
  return text === '' ? null : text.startsWith('\0') ? `@${text.slice(1)}` : text.replace(/\0.*$/s, '');
}
