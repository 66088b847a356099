import type { KernelFiles } from '../files.ts';
import { addressBytes } from '../netfilter/addresses.ts';
import { absent, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import { checksum } from './echo.ts';
import {
  families,
  littleEndian,
  nonBlocking,
  type OpenSocket,
  receiveUntil,
  withSocketOf,
} from './sockets.ts';

/** A device as a question on its link needs it. */
export interface AskingDevice {
  readonly index: number;
  readonly mac: string;
}

/** One question, as it is sent, and how its answers are read. */
export interface LinkQuestion {
  /** include/uapi/linux/if_ether.h */
  readonly etherType: number;
  readonly to: readonly number[];
  readonly payload: Uint8Array;
  /** The link-layer address of one who says that the address is its own; undefined for everything else. */
  holderIn(payload: Uint8Array): string | undefined;
}

/**
 * Asks the link who has an address, once, and listens for `listenMs`: the link-layer addresses of all others that say it
 * is theirs. The question is that of duplicate address detection (RFC 5227, RFC 4862): it comes from no address, so that
 * nobody learns anything from it, and whoever has the address answers.
 */
export async function askWhoHas(
  files: KernelFiles,
  pid: HostPid,
  { index, mac }: AskingDevice,
  address: string,
  listenMs: number,
): Promise<Reading<readonly string[]>> {
  const question = questionFor(address, macBytes(mac));
  if (question === undefined) return absent(address, 'unreadable', 'it is not a numeric address');
  const { etherType } = question;
  const protocol = littleEndian ? swap(etherType) : etherType;
  return withSocketOf(files, pid, [families.packet, nonBlocking.datagram, protocol], async socket => {
    const failed = ask(socket, index, question);
    if (failed !== undefined) return absent(`who has ${address}`, 'unreadable', failed);
    const holders = new Set<string>();
    await receiveUntil(socket, listenMs, what => {
      const holder = typeof what === 'string' ? undefined : question.holderIn(what);
      if (holder !== undefined && holder !== mac) holders.add(holder);
      return undefined;
    });
    return present([...holders]);
  });
}

const swap = (number: number): number => ((number & 0xff) << 8) | (number >> 8);

function ask(
  { descriptor, calls, error }: OpenSocket,
  index: number,
  question: LinkQuestion,
): string | undefined {
  const here = linkAddress(question.etherType, index, []);
  if (calls.bind(descriptor, here, here.length) !== 0) return error();
  const to = linkAddress(question.etherType, index, question.to);
  const { payload } = question;
  return calls.sendto(descriptor, payload, payload.length, 0, to, to.length) < 0 ? error() : undefined;
}

/** struct sockaddr_ll of include/uapi/linux/if_packet.h. */
function linkAddress(etherType: number, index: number, mac: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, families.packet, littleEndian);
  view.setUint16(2, etherType, false);
  view.setInt32(4, index, littleEndian);
  view.setUint8(11, mac.length);
  bytes.set(mac, 12);
  return bytes;
}

export function questionFor(address: string, mac: readonly number[]): LinkQuestion | undefined {
  const target = addressBytes(address);
  if (target === undefined || mac.length !== 6) return undefined;
  return target.length === 4 ? arpQuestion(target, mac) : neighbourSolicitation(target);
}

/** RFC 826: hardware and protocol type and sizes, operation, then sender and target, each with both addresses. */
function arpQuestion(target: Uint8Array, mac: readonly number[]): LinkQuestion {
  const payload = Uint8Array.from([0, 1, 8, 0, 6, 4, 0, 1, ...mac, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...target]);
  return {
    etherType: 0x0806,
    to: [255, 255, 255, 255, 255, 255],
    payload,
    holderIn: answer =>
      answer.length >= 28 && answer[7] === 2 && isSame(answer.subarray(14, 18), target)
        ? sayMac(answer.subarray(8, 14))
        : undefined,
  };
}

const ipHeader = 40;
const solicitation = 135;
const advertisement = 136;
const targetLinkAddress = 2;

/** RFC 4861, 4.3: from `::` to the solicited-node group of the target. */
function neighbourSolicitation(target: Uint8Array): LinkQuestion {
  const tail = [...target.subarray(13)];
  const group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...tail];
  const message = Uint8Array.from([solicitation, 0, 0, 0, 0, 0, 0, 0, ...target]);
  const pseudo = Uint8Array.from([
    ...Array.from({ length: 16 }, () => 0),
    ...group,
    ...[0, 0, 0, message.length, 0, 0, 0, 58],
    ...message,
  ]);
  new DataView(message.buffer).setUint16(2, checksum(pseudo), false);
  const header = [
    0x60,
    0,
    0,
    0,
    0,
    message.length,
    58,
    255,
    ...Array.from({ length: 16 }, () => 0),
    ...group,
  ];
  return {
    etherType: 0x86dd,
    to: [0x33, 0x33, 0xff, ...tail],
    payload: Uint8Array.from([...header, ...message]),
    holderIn: answer => advertised(answer, target),
  };
}

/** Of a neighbour advertisement with the target's own link-layer address in its options. */
function advertised(packet: Uint8Array, target: Uint8Array): string | undefined {
  if (packet[6] !== 58 || packet[ipHeader] !== advertisement) return undefined;
  if (!isSame(packet.subarray(ipHeader + 8, ipHeader + 24), target)) return undefined;
  for (let at = ipHeader + 24; at + 8 <= packet.length; ) {
    const length = (packet[at + 1] ?? 0) * 8;
    if (packet[at] === targetLinkAddress) return sayMac(packet.subarray(at + 2, at + 8));
    if (length === 0) return undefined;
    at += length;
  }
  return undefined;
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);

const sayMac = (bytes: Uint8Array): string =>
  [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(':');

const macBytes = (text: string): readonly number[] =>
  text
    .split(':')
    .map(part => Number.parseInt(part, 16))
    .filter(byte => byte >= 0 && byte < 256);
