import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelFiles } from '../files.ts';
import { addressBytes } from '../netfilter/addresses.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';

/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC. */
const streamNonBlocking = 0x80801;

/**
 * Tries one TCP connection out of the network namespace of `pid`, where a socket stays however the thread moves on,
 * and closes it at once: `connected`, the error's name, or `no answer`. A second connect() on it tells how far it is.
 */
export async function connectFrom(
  files: KernelFiles,
  pid: HostPid,
  { address, port }: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<Reading<string>> {
  const where = socketAddress(address, port);
  if (where === undefined) return absent(address, 'unreadable', 'it is not a numeric address');
  const libc = loadLibC();
  if (!libc.present) return libc;
  const calls = callsOf(libc.value);
  const opened = flatMapReading(
    inNamespace(files, pid, 'net', () => {
      const descriptor = calls.socket(where.length === 16 ? 2 : 10, streamNonBlocking, 0);
      return descriptor < 0 ? absentFromErrno('a socket', libc.value) : present(descriptor);
    }),
    reading => reading,
  );
  if (!opened.present) return opened;
  try {
    const end = performance.now() + timeoutMs;
    for (;;) {
      if (calls.connect(opened.value, where, where.length) === 0) return present('connected');
      const name = errnoName(libc.value);
      if (name === 'EISCONN') return present('connected');
      if (name !== 'EINPROGRESS' && name !== 'EALREADY') return present(name);
      if (performance.now() > end) return present('no answer');
      await sleep(10);
    }
  } finally {
    closeSync(opened.value);
  }
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
  view.setUint16(0, bytes.length === 4 ? 2 : 10, endianness() === 'LE');
  view.setUint16(2, port, false);
  result.set(bytes, bytes.length === 4 ? 4 : 8);
  return result;
}

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  connect(descriptor: number, address: Uint8Array, length: number): number;
}
let bound: Calls | undefined;

function callsOf({ library }: LibC): Calls {
  bound ??= {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    connect: library.func('int connect(int fd, const uint8_t *address, uint32_t length)'),
  };
  return bound;
}
