import { closeSync } from 'node:fs';
import type { KernelFiles } from '../files.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';

/**
 * How long a packet takes there and back between two network namespaces, for a lab that compares ways. Both ends are
 * sockets of this one thread, kept on one CPU: nobody has to be woken, so what is measured is the way through the
 * kernel and four system calls. IPv4 and UDP, which every way takes alike.
 */
export interface Way {
  readonly from: HostPid;
  readonly to: HostPid;
  /** Where the first end sends to; another than the second end's own where NAT is on the way. */
  readonly address: string;
  readonly port: number;
}

const afInet = 2;
const datagramCloseOnExec = 0x80002;
const dontWait = 0x40;
const patienceMs = 200;

/**
 * Each batch is so many round trips; µs per round trip, one figure for each batch. Short batches, many of them: on a busy
 * machine only those are disturbed in which somebody else had the CPU. (The thread's CPU time would not do: kernels
 * with IRQ_TIME_ACCOUNTING leave out of it the softirq that receives the packet.)
 */
export function measureRoundTrips(
  files: KernelFiles,
  way: Way,
  batches: number,
  perBatch: number,
): Reading<readonly number[]> {
  return flatMapReading(loadLibC(), libc =>
    flatMapReading(openIn(files, libc, way.to), server => {
      try {
        return flatMapReading(openIn(files, libc, way.from), client => {
          try {
            return exchange(libc, client, server, way, batches, perBatch);
          } finally {
            closeSync(client);
          }
        });
      } finally {
        closeSync(server);
      }
    }),
  );
}

function exchange(
  libc: LibC,
  client: number,
  server: number,
  { address, port }: Way,
  batches: number,
  perBatch: number,
): Reading<readonly number[]> {
  const calls = callsOf(libc);
  if (calls.bind(server, socketAddress('0.0.0.0', port), 16) < 0) return absentFromErrno('bind', libc);
  if (calls.connect(client, socketAddress(address, port), 16) < 0) return absentFromErrno('connect', libc);
  const packet = new Uint8Array(1);
  if (calls.send(client, packet, 1, 0) !== 1) return absentFromErrno('send', libc);
  // Whom to answer: with NAT on the way that is not the client's own address.
  const source = new Uint8Array(16);
  const size = new Uint32Array([16]);
  if (!soon(() => calls.recvfrom(server, packet, 1, dontWait, source, size))) return lost(address);
  if (calls.connect(server, source, 16) < 0) return absentFromErrno('connect back', libc);
  if (calls.send(server, packet, 1, 0) !== 1 || !soon(() => calls.recv(client, packet, 1, dontWait)))
    return lost(address);
  return onOneCpu(libc, () => {
    const figures: number[] = [];
    for (let batch = 0; batch < batches; batch += 1) {
      const begin = process.hrtime.bigint();
      for (let round = 0; round < perBatch; round += 1) {
        calls.send(client, packet, 1, 0);
        if (!soon(() => calls.recv(server, packet, 1, dontWait))) return lost(address);
        calls.send(server, packet, 1, 0);
        if (!soon(() => calls.recv(client, packet, 1, dontWait))) return lost(address);
      }
      figures.push(Number(process.hrtime.bigint() - begin) / 1000 / perBatch);
    }
    return present(figures);
  });
}

const lost = (address: string): Reading<never> =>
  absent(`a packet to ${address} and back`, 'vanished', 'it did not arrive within 200 ms; look at the way');

/** The packet is usually there when send() returns: the receiving softirq runs on the same CPU. */
function soon(receive: () => number | bigint): boolean {
  if (Number(receive()) === 1) return true;
  const end = performance.now() + patienceMs;
  while (performance.now() < end) if (Number(receive()) === 1) return true;
  return false;
}

/** struct sockaddr_in. The family is in the machine's order, and 2 in one byte is 2 in either when read as such. */
function socketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new Uint16Array(bytes.buffer, 0, 1)[0] = afInet;
  new DataView(bytes.buffer).setUint16(2, port);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

function openIn(files: KernelFiles, libc: LibC, pid: HostPid): Reading<number> {
  return flatMapReading(
    inNamespace(files, pid, 'net', () => callsOf(libc).socket(afInet, datagramCloseOnExec, 0)),
    descriptor => (descriptor < 0 ? absentFromErrno('socket', libc) : present(descriptor)),
  );
}

/** Keeps the calling thread on the CPU it is on, and lets it go again. */
function onOneCpu<T>(libc: LibC, action: () => T): T {
  const { getcpu, getaffinity, setaffinity } = callsOf(libc);
  const before = new Uint8Array(128);
  const cpu = getcpu();
  const known = cpu >= 0 && cpu < 1024 && getaffinity(0, before.length, before) === 0;
  if (!known) return action();
  const one = new Uint8Array(128);
  one[cpu >> 3] = 1 << (cpu & 7);
  setaffinity(0, one.length, one);
  try {
    return action();
  } finally {
    setaffinity(0, before.length, before);
  }
}

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, into: Uint8Array, length: number, flags: number): number;
  recvfrom(
    fd: number,
    into: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    size: Uint32Array,
  ): number;
  getcpu(): number;
  getaffinity(pid: number, size: number, mask: Uint8Array): number;
  setaffinity(pid: number, size: number, mask: Uint8Array): number;
}
let bound: Calls | undefined;

function callsOf({ library }: LibC): Calls {
  bound ??= {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, const void *address, unsigned int length)'),
    connect: library.func('int connect(int fd, const void *address, unsigned int length)'),
    send: library.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)'),
    recv: library.func('intptr_t recv(int fd, _Out_ uint8_t *into, size_t length, int flags)'),
    recvfrom: library.func(
      'intptr_t recvfrom(int fd, _Out_ uint8_t *into, size_t length, int flags, _Out_ uint8_t *address, _Inout_ unsigned int *size)',
    ),
    getcpu: library.func('int sched_getcpu(void)'),
    getaffinity: library.func('int sched_getaffinity(int pid, size_t size, _Out_ uint8_t *mask)'),
    setaffinity: library.func('int sched_setaffinity(int pid, size_t size, const void *mask)'),
  };
  return bound;
}
