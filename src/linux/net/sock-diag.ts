import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import type { KernelFiles } from '../files.ts';
import { absent, absentFromError, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';
import { type AddressFamily, addressFamily, listenDumpRequest, parseListenDump } from './inet-diag.ts';
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
  return flatMapReading(loadLibC(), libc => {
    const calls = callsOf(libc);
    const descriptor = calls.socket(afNetlink, rawCloseOnExec, netlinkSockDiag);
    if (descriptor < 0) return absentFromErrno(what, libc);
    try {
      return flatMapReading(dumpFamily(libc, descriptor, addressFamily.inet), ipv4 => {
        const ipv6 = dumpFamily(libc, descriptor, addressFamily.inet6);
        return present(ipv6.present ? [...ipv4, ...ipv6.value] : ipv4);
      });
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
  const calls = callsOf(libc);
  const request = listenDumpRequest(family, littleEndian);
  if (calls.send(descriptor, request, request.length, 0) < 0) return absentFromErrno(what, libc);
  const sockets: ListeningSocket[] = [];
  while (sockets.length < maxListeners) {
    // The kernel writes the next part of a dump before recv returns: nothing to wait for, and no way to hang.
    const length = Number(calls.recv(descriptor, receiveBuffer, receiveBuffer.length, dontWait));
    if (length <= 0) return absentFromErrno(what, libc);
    const { sockets: part, end } = parseListenDump(receiveBuffer.subarray(0, length), littleEndian);
    sockets.push(...part);
    if (end === 'done') break;
    if (end === 'malformed') return absent(what, 'unreadable', 'please report this kernel and its version');
    if (end !== 'more') return refusal(libc, end.error);
  }
  return present(sockets);
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
