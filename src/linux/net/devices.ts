import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { absent, absentFromError, flatMapReading, mapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import {
  type Device,
  linkRequest,
  parseLink,
  parseQdisc,
  type Qdisc,
  qdiscRequest,
  readRouteMessages,
  rtm,
} from './rtnetlink.ts';

const what = 'network devices (rtnetlink)';
const afNetlink = 16;
const rawCloseOnExec = 0x80003;
const netlinkRoute = 0;
const dontWait = 0x40;
const little = endianness() === 'LE';
const receiveBuffer = new Uint8Array(32 * 1024);
/** A node with more pods than this is not known; 2 KiB each. */
const mostDevices = 8192;

export interface DeviceDump {
  readonly devices: readonly Device[];
  readonly qdiscs: readonly Qdisc[];
}

/** The devices of the calling thread's network namespace and their queues. */
export function dumpDevices(): Reading<DeviceDump> {
  return flatMapReading(loadLibC(), libc => {
    const descriptor = callsOf(libc).socket(afNetlink, rawCloseOnExec, netlinkRoute);
    if (descriptor < 0) return absentFromErrno(what, libc);
    try {
      const links = dump(libc, descriptor, linkRequest(little), rtm.newLink, parseLink);
      return flatMapReading(links, devices =>
        mapReading(dump(libc, descriptor, qdiscRequest(little), rtm.newQdisc, parseQdisc), qdiscs => ({
          devices,
          qdiscs,
        })),
      );
    } finally {
      closeSync(descriptor);
    }
  });
}

function dump<T>(
  libc: LibC,
  descriptor: number,
  request: Uint8Array,
  type: number,
  parse: (message: Uint8Array, little: boolean) => T | undefined,
): Reading<readonly T[]> {
  const calls = callsOf(libc);
  if (calls.send(descriptor, request, request.length, 0) < 0) return absentFromErrno(what, libc);
  const all: T[] = [];
  while (all.length < mostDevices) {
    // The next part of a dump is written before recv returns: nothing to wait for.
    const length = Number(calls.recv(descriptor, receiveBuffer, receiveBuffer.length, dontWait));
    if (length <= 0) return absentFromErrno(what, libc);
    const end = readRouteMessages(receiveBuffer.subarray(0, length), type, little, message => {
      const one = parse(message, little);
      if (one !== undefined) all.push(one);
    });
    if (end === 'done') break;
    if (end === 'malformed') return absent(what, 'unreadable', 'please report this kernel and its version');
    if (end !== 'more') return absentFromError(what, { code: `errno ${end.error}` });
  }
  return present(all);
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
