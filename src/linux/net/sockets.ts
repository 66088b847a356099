import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelFiles } from '../files.ts';
import { addressBytes } from '../netfilter/addresses.ts';
import { flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';

/** The socket calls that a few harmless packets need. A negative result leaves its reason in errno. */
export interface SocketCalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(descriptor: number, address: Uint8Array, length: number): number;
  connect(descriptor: number, address: Uint8Array, length: number): number;
  send(descriptor: number, bytes: Uint8Array, length: number, flags: number): number;
  sendto(
    descriptor: number,
    bytes: Uint8Array,
    size: number,
    flags: number,
    to: Uint8Array,
    length: number,
  ): number;
  recv(descriptor: number, into: Uint8Array, length: number, flags: number): number;
  setsockopt(descriptor: number, level: number, name: number, value: Int32Array, length: number): number;
  getsockopt(descriptor: number, level: number, name: number, value: Int32Array, length: Uint32Array): number;
}

/** include/linux/socket.h and include/linux/net.h. */
export const families = { inet: 2, inet6: 10, packet: 17 } as const;
/** SOCK_STREAM, SOCK_DGRAM and SOCK_RAW with SOCK_NONBLOCK and SOCK_CLOEXEC. */
export const nonBlocking = { stream: 0x80801, datagram: 0x80802, raw: 0x80803 } as const;
export const littleEndian = endianness() === 'LE';

export interface OpenSocket {
  readonly descriptor: number;
  readonly calls: SocketCalls;
  /** The name of the errno that the last call left. */
  error(): string;
}

/**
 * A socket that was made in the network namespace of `pid`, where it stays however the thread moves on; closed when `use`
 * is done with it.
 */
export async function withSocketOf<T>(
  files: KernelFiles,
  pid: HostPid,
  [domain, type, protocol]: readonly [number, number, number],
  use: (socket: OpenSocket) => Promise<Reading<T>>,
): Promise<Reading<T>> {
  const libc = loadLibC();
  if (!libc.present) return libc;
  const calls = callsOf(libc.value);
  const opened = flatMapReading(
    inNamespace(files, pid, 'net', () => {
      const descriptor = calls.socket(domain, type, protocol);
      return descriptor < 0 ? absentFromErrno('a socket', libc.value) : present(descriptor);
    }),
    reading => reading,
  );
  if (!opened.present) return opened;
  try {
    return await use({ descriptor: opened.value, calls, error: () => errnoName(libc.value) });
  } finally {
    closeSync(opened.value);
  }
}

const isEmpty = (error: string): boolean => error === 'EAGAIN' || error === 'EWOULDBLOCK';
/** Of a socket that everything on a link comes to, not more than this at a time. */
const mostAtOnce = 256;
const buffer = new Uint8Array(64 * 1024);

/**
 * Hands on what a non-blocking socket receives until `take` has what it wants or the time is over. An error that the
 * kernel reports on the socket (an ICMP message came) is handed on by its name.
 */
export async function receiveUntil<T>(
  { descriptor, calls, error }: OpenSocket,
  timeoutMs: number,
  take: (what: Uint8Array | string) => T | undefined,
): Promise<T | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    for (let count = 0; count < mostAtOnce; count += 1) {
      const length = Number(calls.recv(descriptor, buffer, buffer.length, 0));
      const name = length < 0 ? error() : '';
      if (isEmpty(name)) break;
      const taken = take(length < 0 ? name : buffer.subarray(0, length));
      if (taken !== undefined) return taken;
    }
    if (performance.now() > end) return undefined;
    await sleep(5);
  }
}

export function setOption(
  { descriptor, calls }: OpenSocket,
  level: number,
  name: number,
  value: number,
): void {
  calls.setsockopt(descriptor, level, name, Int32Array.of(value), 4);
}

export function getOption(
  { descriptor, calls }: OpenSocket,
  level: number,
  name: number,
): number | undefined {
  const value = new Int32Array(1);
  return calls.getsockopt(descriptor, level, name, value, Uint32Array.of(4)) === 0 ? value[0] : undefined;
}

function errnoName({ koffi }: LibC): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** struct sockaddr_in or sockaddr_in6: the family in the machine's byte order, port and address in network order. */
export function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  const result = new Uint8Array(bytes.length === 4 ? 16 : 28);
  const view = new DataView(result.buffer);
  view.setUint16(0, bytes.length === 4 ? families.inet : families.inet6, littleEndian);
  view.setUint16(2, port, false);
  result.set(bytes, bytes.length === 4 ? 4 : 8);
  return result;
}

let bound: SocketCalls | undefined;

function callsOf({ library }: LibC): SocketCalls {
  bound ??= {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, const void *address, uint32_t length)'),
    connect: library.func('int connect(int fd, const void *address, uint32_t length)'),
    send: library.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)'),
    sendto: library.func(
      'intptr_t sendto(int fd, const void *bytes, size_t size, int flags, const void *to, uint32_t length)',
    ),
    recv: library.func('intptr_t recv(int fd, _Out_ uint8_t *into, size_t length, int flags)'),
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ),
    getsockopt: library.func(
      'int getsockopt(int fd, int level, int name, _Out_ int32_t *value, _Inout_ uint32_t *length)',
    ),
  };
  return bound;
}
