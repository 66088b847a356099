import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import type { KernelFiles } from '../files.ts';
import { absent, absentFromError, flatMapReading, mapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';
import {
  connectionDumpRequest,
  connectionRequest,
  type SocketView,
  type TcpConnection,
  viewSocket,
} from './connections.ts';
import {
  type AddressFamily,
  addressFamily,
  type DatagramEnd,
  listenDumpRequest,
  parseListenDump,
  readMessages,
} from './inet-diag.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { readTcpListeners } from './tcp.ts';

const what = 'listening sockets (sock_diag)';
const afNetlink = 16;
const rawCloseOnExec = 0x80003;
const netlinkSockDiag = 4;
const dontWait = 0x40;
const littleEndian = endianness() === 'LE';
/** The kernel fills at most 32 KiB a datagram (netlink_recvmsg). */
const receiveBuffer = new Uint8Array(32 * 1024);
/** More listeners than this are somebody's experiment; what is left over is not worth the memory. */
const maxListeners = 65_536;

/**
 * The listening TCP sockets of the network namespace that `pid` is in: by sock_diag(7) there, which knows the limit
 * and the drops of each socket, or from /proc/<pid>/net/tcp, which knows neither, when joining is not allowed.
 */
export function readListeningSockets(files: KernelFiles, pid: HostPid): Reading<readonly ListeningSocket[]> {
  const precise = flatMapReading(inNamespace(files, pid, 'net', dumpListeners), reading => reading);
  return precise.present ? precise : readTcpListeners(files, pid);
}

/** Asks the network namespace of the calling thread. */
export function dumpListeners(): Reading<readonly ListeningSocket[]> {
  return withSocket((libc, descriptor) =>
    flatMapReading(dumpFamily(libc, descriptor, addressFamily.inet), ipv4 => {
      const ipv6 = dumpFamily(libc, descriptor, addressFamily.inet6);
      return present(ipv6.present ? [...ipv4, ...ipv6.value] : ipv4);
    }),
  );
}

/**
 * Shows each TCP connection of the calling thread's network namespace, 1 µs each, without keeping any. `more` is asked
 * after each part of 32 KiB, and ends it early.
 */
export function eachConnection(
  visit: (socket: SocketView) => void,
  more: () => boolean = () => true,
): Reading<'all' | 'some'> {
  return withSocket((libc, descriptor) => {
    const ask = (family: AddressFamily): Reading<'all' | 'some'> =>
      exchange(libc, descriptor, connectionDumpRequest(family, littleEndian), datagram => {
        const end = readMessages(datagram, littleEndian, message => {
          const socket = viewSocket(message, littleEndian);
          if (socket !== undefined) visit(socket);
        });
        return end === 'more' && !more() ? 'enough' : end;
      });
    return flatMapReading(ask(addressFamily.inet), ipv4 => {
      if (ipv4 === 'some') return present(ipv4);
      const ipv6 = ask(addressFamily.inet6);
      return ipv6.present ? ipv6 : present(ipv4);
    });
  });
}

/** These sockets again, each with its tcp_info and memory; those that are gone are left out. */
export function askConnections(connections: readonly TcpConnection[]): Reading<readonly TcpConnection[]> {
  return withSocket((libc, descriptor) => {
    const found: TcpConnection[] = [];
    for (const connection of connections) {
      // An answer to a question about one socket has no end but itself.
      exchange(libc, descriptor, connectionRequest(connection, littleEndian), datagram => {
        const end = readMessages(datagram, littleEndian, message => {
          const socket = viewSocket(message, littleEndian);
          if (socket !== undefined) found.push(socket.keep());
        });
        return end === 'more' ? 'done' : end;
      });
    }
    return present(found);
  });
}

function withSocket<T>(action: (libc: LibC, descriptor: number) => Reading<T>): Reading<T> {
  return flatMapReading(loadLibC(), libc => {
    const descriptor = callsOf(libc).socket(afNetlink, rawCloseOnExec, netlinkSockDiag);
    if (descriptor < 0) return absentFromErrno(what, libc);
    try {
      return action(libc, descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

function dumpFamily(
  libc: LibC,
  descriptor: number,
  family: AddressFamily,
): Reading<readonly ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  const answer = exchange(libc, descriptor, listenDumpRequest(family, littleEndian), datagram => {
    const part = parseListenDump(datagram, littleEndian);
    sockets.push(...part.sockets);
    return part.end === 'more' && sockets.length >= maxListeners ? 'enough' : part.end;
  });
  return mapReading(answer, () => sockets);
}

/** Sends a request and hands on the datagrams of its answer until `take` says that one was the last. */
function exchange(
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
    return refusal(libc, end.error);
  }
}

function refusal({ koffi }: LibC, error: number): Reading<never> {
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === error)?.[0];
  // ENOENT: the tcp_diag module is not there; its socket type, not a file, is what is missing.
  return code === 'ENOENT'
    ? absent(what, 'disabled', 'load the kernel module tcp_diag')
    : absentFromError(what, { code: code ?? `errno ${error}` });
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
