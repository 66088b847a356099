import { endianness } from 'node:os';
import type { KernelFiles } from '../files.ts';
import { absent, parsed, present, type Reading } from '../reading.ts';
import { type HostPid, parseCount } from '../units.ts';
import { formatAddress } from './address.ts';
import type { ListeningSocket } from './listening-socket.ts';

export type ByteOrder = 'LE' | 'BE';

const listenState = '0A';
const noBacklog = absent(
  'the backlog limit',
  'disabled',
  'run as root: sock_diag has it, /proc/net/tcp lacks it',
);
const noDrops = absent(
  'the drops of a socket',
  'disabled',
  'run as root: sock_diag has it, /proc/net/tcp lacks it',
);

/**
 * The listening sockets of /proc/<pid>/net/tcp and tcp6 (Documentation/networking/proc_net_tcp.rst):
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *      0: 0100007F:1F90 00000000:0000 0A 00000000:00000005 00:00000000 00000000  1000        0 31337 1 …
 *
 * The address is one (v6: four) 32-bit words in the byte order of the machine that printed it, the port is in
 * reading order, rx_queue of a listener is its accept queue (hex), uid and inode are decimal.
 */
export function parseTcpListeners(
  text: string,
  order: ByteOrder = endianness(),
): readonly ListeningSocket[] | undefined {
  if (!/^\s*sl\s+local_address/.test(text)) return undefined;
  const sockets: ListeningSocket[] = [];
  let start = text.indexOf('\n') + 1;
  while (start > 0 && start < text.length) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end < 0 ? undefined : end);
    // Listeners come first: what follows may be hundreds of thousands of connections.
    if (isOfAnotherState(line)) break;
    const socket = parseLine(line, order);
    if (socket !== undefined) sockets.push(socket);
    start = end + 1;
  }
  return sockets;
}

const isOfAnotherState = (line: string): boolean => {
  const state = /^ *\d+: [0-9A-F:]+ [0-9A-F:]+ ([0-9A-F]{2}) /.exec(line)?.[1];
  return state !== undefined && state !== listenState;
};

function parseLine(line: string, order: ByteOrder): ListeningSocket | undefined {
  const fields = line.trim().split(/\s+/);
  const [, local, , state, queues, , , uidText, , inodeText] = fields;
  if (state !== listenState || local === undefined || queues === undefined) return undefined;
  const place = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
  const queue = /^[0-9A-F]{8}:([0-9A-F]{8})$/.exec(queues);
  const uid = parseCount(uidText);
  const inode = parseCount(inodeText);
  if (place?.[1] === undefined || place[2] === undefined || queue?.[1] === undefined) return undefined;
  if (uid === undefined || inode === undefined) return undefined;
  return {
    address: formatAddress(addressBytes(place[1], order)),
    port: Number.parseInt(place[2], 16),
    queued: Number.parseInt(queue[1], 16),
    backlog: noBacklog,
    drops: noDrops,
    inode,
    uid,
  };
}

function addressBytes(hex: string, order: ByteOrder): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  return order === 'LE' ? bytes.swap32() : bytes;
}

/** Both protocols. A kernel without IPv6 has no tcp6. */
export function readTcpListeners(files: KernelFiles, pid: HostPid): Reading<readonly ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  for (const name of ['tcp', 'tcp6']) {
    const path = `/proc/${pid}/net/${name}`;
    const text = files.read(path);
    if (!text.present && name === 'tcp6') continue;
    if (!text.present) return text;
    const reading = parsed(path, parseTcpListeners(text.value));
    if (!reading.present) return reading;
    sockets.push(...reading.value);
  }
  return present(sockets);
}
