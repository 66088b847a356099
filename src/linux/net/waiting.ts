import { endianness } from 'node:os';
import type { KernelFiles } from '../files.ts';
import { absent, orElse, parsed, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import { formatAddress } from './address.ts';
import { parseSockstat } from './sockstat.ts';
import type { ByteOrder } from './tcp.ts';

/** A TCP connection that waits for an answer to what it sent. */
export interface WaitingConnection {
  /** unanswered: SYN_SENT. stalled: data that is not acknowledged. */
  readonly kind: 'unanswered' | 'stalled';
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  /** Times in a row that the oldest unacknowledged segment was sent again; 0 for one just begun. */
  readonly retransmits: number;
}

/** include/net/tcp_states.h. A program may have closed already (FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING): the data is still sent. */
const kinds: Readonly<Record<string, WaitingConnection['kind']>> = {
  '01': 'stalled',
  '02': 'unanswered',
  '04': 'stalled',
  '08': 'stalled',
  '09': 'stalled',
  '0B': 'stalled',
};

/**
 * Of /proc/<pid>/net/tcp and tcp6 (Documentation/networking/proc_net_tcp.rst; tcp.ts has a sample): state, transmit
 * queue and the field `retrnsmt`, unanswered timeouts in a row. Only sockets whose retransmit timer runs (tr 01).
 */
export function parseWaiting(
  text: string,
  order: ByteOrder = endianness(),
): readonly WaitingConnection[] | undefined {
  if (!/^\s*sl\s+local_address/.test(text)) return undefined;
  const place = '([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})';
  const pattern = new RegExp(
    `^ *\\d+: ${place} ${place} ([0-9A-F]{2}) ([0-9A-F]{8}):[0-9A-F]{8} 01:[0-9A-F]+ ([0-9A-F]{8}) `,
    'gm',
  );
  const found: WaitingConnection[] = [];
  for (const [
    ,
    local = '',
    localPort = '',
    remote = '',
    remotePort = '',
    state = '',
    queue = '',
    again = '',
  ] of text.matchAll(pattern)) {
    const retransmits = Number.parseInt(again, 16);
    const kind = kinds[state];
    if (kind === undefined || (kind === 'stalled' && (retransmits === 0 || Number.parseInt(queue, 16) === 0)))
      continue;
    const port = (hex: string): number => Number.parseInt(hex, 16);
    found.push({
      kind,
      local: addressOf(local, order),
      localPort: port(localPort),
      remote: addressOf(remote, order),
      remotePort: port(remotePort),
      retransmits,
    });
  }
  return found;
}

const addressOf = (hex: string, order: ByteOrder): string => {
  const bytes = Buffer.from(hex, 'hex');
  return formatAddress(order === 'LE' ? bytes.swap32() : bytes).replace(/^::ffff:(?=\d+\.)/, '');
};

/** With more sockets than this the table is not read: its text has 150 bytes for each. */
const mostSockets = 50_000;

/** Of the network namespace that `pid` is in. */
export function readWaiting(files: KernelFiles, pid: HostPid): Reading<readonly WaitingConnection[]> {
  const stat = files.read(`/proc/${pid}/net/sockstat`, 'one-record');
  const inUse = stat.present ? parseSockstat(stat.value)?.['TCP.inuse'] : undefined;
  if (inUse !== undefined && inUse > mostSockets)
    return absent(
      `connections of /proc/${pid}/net/tcp`,
      'disabled',
      `${inUse} sockets are too many to list: ss -tno state syn-sent`,
    );
  const all: WaitingConnection[] = [];
  for (const name of ['tcp', 'tcp6']) {
    const path = `/proc/${pid}/net/${name}`;
    const text = files.read(path);
    if (!text.present && name === 'tcp6') continue;
    if (!text.present) return text;
    const reading = parsed(path, parseWaiting(text.value));
    if (!reading.present) return reading;
    all.push(...orElse(reading, []));
  }
  return present(all);
}
