import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { absent, absentFromError, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';

const afNetlink = 16;
const rawCloseOnExec = 0x80003;
const dontWait = 0x40;
/** include/uapi/linux/netlink.h */
const protocols = { route: 0, 'sock-diag': 4 } as const;
/** The kernel fills at most 32 KiB a datagram (netlink_recvmsg). */
const receiveBuffer = new Uint8Array(32 * 1024);
const header = 16;
const typeError = 2;
const typeDone = 3;

/** Netlink speaks the machine's byte order. */
export const littleEndian = endianness() === 'LE';

/** What the last message of a datagram says: more follows, that was all, or an errno. */
export type DatagramEnd = 'more' | 'done' | { readonly error: number } | 'malformed';

export interface Netlink {
  /** Sends a request and hands on the datagrams of its answer until `take` says that one was the last. */
  ask(request: Uint8Array, take: (datagram: Uint8Array) => DatagramEnd | 'enough'): Reading<'all' | 'some'>;
}

/** A netlink(7) socket in the calling thread's network namespace, for as long as `use` runs. `what` is asked of it. */
export function withNetlink<T>(
  what: string,
  protocol: keyof typeof protocols,
  use: (netlink: Netlink) => Reading<T>,
): Reading<T> {
  return flatMapReading(loadLibC(), libc => {
    const descriptor = callsOf(libc).socket(afNetlink, rawCloseOnExec, protocols[protocol]);
    if (descriptor < 0) return absentFromErrno(what, libc);
    try {
      return use({ ask: (request, take) => ask(what, libc, descriptor, request, take) });
    } finally {
      closeSync(descriptor);
    }
  });
}

function ask(
  what: string,
  libc: LibC,
  descriptor: number,
  request: Uint8Array,
  take: (datagram: Uint8Array) => DatagramEnd | 'enough',
): Reading<'all' | 'some'> {
  const calls = callsOf(libc);
  if (calls.send(descriptor, request, request.length, 0) < 0) return absentFromErrno(what, libc);
  for (;;) {
    // The kernel writes the next part of a dump before recv returns: nothing to wait for, and no way to hang.
    const length = Number(calls.recv(descriptor, receiveBuffer, receiveBuffer.length, dontWait));
    if (length <= 0) return absentFromErrno(what, libc);
    const end = take(receiveBuffer.subarray(0, length));
    if (end === 'more') continue;
    if (end === 'done') return present('all');
    if (end === 'enough') return present('some');
    if (end === 'malformed') return absent(what, 'unreadable', 'please report this kernel and its version');
    const code = Object.entries(libc.koffi.os.errno).find(([, value]) => value === end.error)?.[0];
    return absentFromError(what, { code: code ?? `errno ${end.error}` });
  }
}

/**
 * Hands on what follows the header of each message of one type (struct nlmsghdr, include/uapi/linux/netlink.h), until one
 * says that the dump is over.
 */
export function readMessages(
  datagram: Uint8Array,
  type: number,
  little: boolean,
  take: (message: Uint8Array) => void,
): DatagramEnd {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset + header <= datagram.length) {
    const length = view.getUint32(offset, little);
    const kind = view.getUint16(offset + 4, little);
    if (length < header || offset + length > datagram.length) return 'malformed';
    if (kind === typeDone) return 'done';
    if (kind === typeError)
      return length < header + 4 ? 'malformed' : { error: -view.getInt32(offset + header, little) };
    if (kind === type) take(datagram.subarray(offset + header, offset + length));
    offset += (length + 3) & ~3;
  }
  return offset < datagram.length ? 'malformed' : 'more';
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
