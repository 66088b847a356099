import { closeSync, openSync } from 'node:fs';
import { endianness } from 'node:os';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';

/**
 * RTM_GETNSID (include/uapi/linux/net_namespace.h): which number a network namespace gives to another one, the
 * `link_netnsid` of a veth whose peer is there. -1: it has no number, so no device here leads there.
 */
const what = 'namespace numbers (RTM_GETNSID)';
const header = 16;
const rtmNewNsid = 88;
const rtmGetNsid = 90;
const attributeNsid = 1;
const attributeFd = 3;
const littleEndian = endianness() === 'LE';

/** struct nlmsghdr, struct rtgenmsg (padded to 4), one attribute NETNSA_FD. */
export function namespaceIdRequest(descriptor: number, little = littleEndian): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(header + 4 + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, little);
  view.setUint16(4, rtmGetNsid, little);
  view.setUint16(6, 1, little);
  view.setUint32(8, 1, little);
  view.setUint16(header + 4, 8, little);
  view.setUint16(header + 6, attributeFd, little);
  view.setUint32(header + 8, descriptor, little);
  return bytes;
}

/** Undefined for an error or for what is not such an answer. */
export function parseNamespaceId(datagram: Uint8Array, little = littleEndian): number | undefined {
  if (datagram.length < header + 4 + 8) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (view.getUint16(4, little) !== rtmNewNsid) return undefined;
  const end = Math.min(datagram.length, view.getUint32(0, little));
  for (let offset = header + 4; offset + 8 <= end; ) {
    const length = view.getUint16(offset, little);
    if (length < 4) return undefined;
    if (view.getUint16(offset + 2, little) === attributeNsid) return view.getInt32(offset + 4, little);
    offset += (length + 3) & ~3;
  }
  return undefined;
}

/** The numbers that the namespace of the calling thread has for those at these paths; paths without one are left out. */
export function readNamespaceIds(paths: readonly string[]): Reading<ReadonlyMap<string, number>> {
  return flatMapReading(loadLibC(), libc => {
    const { socket, send, recv } = callsOf(libc);
    const netlink = socket(16, 0x80003, 0);
    if (netlink < 0) return absentFromErrno(what, libc);
    const found = new Map<string, number>();
    const answer = new Uint8Array(512);
    try {
      for (const path of paths) {
        const descriptor = openQuietly(path);
        if (descriptor === undefined) continue;
        try {
          const request = namespaceIdRequest(descriptor);
          if (send(netlink, request, request.length, 0) < 0) return absentFromErrno(what, libc);
          const length = Number(recv(netlink, answer, answer.length, 0x40));
          if (length <= 0) return absent(what, 'unreadable', 'the kernel did not answer; look again');
          const id = parseNamespaceId(answer.subarray(0, length));
          if (id !== undefined && id >= 0) found.set(path, id);
        } finally {
          closeSync(descriptor);
        }
      }
    } finally {
      closeSync(netlink);
    }
    return present(found);
  });
}

/** A namespace that has gone meanwhile leads nowhere. */
function openQuietly(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  send(descriptor: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(descriptor: number, into: Uint8Array, length: number, flags: number): number;
}
let bound: Calls | undefined;

function callsOf({ library }: LibC): Calls {
  bound ??= {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    send: library.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)'),
    recv: library.func('intptr_t recv(int fd, _Out_ uint8_t *into, size_t length, int flags)'),
  };
  return bound;
}
