import { errnoName } from '../../../linux/errno.ts';
import { formatAddress } from '../../../linux/net/address.ts';
import type { TraceResult } from '../../instrument.ts';
import type { TcpEvent, TcpEventKind, TcpPeer, TcpResult } from './result.ts';

/** include/net/tcp_states.h */
const states = [
  '-',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
];
const established = 1;
const synSent = 2;
const synReceived = 3;
const close = 7;
const kinds: readonly TcpEventKind[] = ['retransmit', 'reset-sent', 'reset-received', 'failed'];

const inet6 = 10;
const endsAt = 24;

/** `struct event` of tcp.bpf.c. */
export function decodeTcp(bytes: Buffer, startedAt: bigint): TcpEvent {
  const size = bytes.readUInt16LE(endsAt) === inet6 ? 16 : 4;
  const end = (address: number, port: number): string => {
    const text = formatAddress(bytes.subarray(address, address + size));
    return `${size === 16 ? `[${text}]` : text}:${bytes.readUInt16LE(port)}`;
  };
  const error = bytes.readUInt32LE(16);
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    kind: kinds[bytes.readUInt32LE(8) - 1] ?? 'failed',
    state: states[bytes.readUInt32LE(12)] ?? '-',
    error: error === 0 ? null : errnoName(error),
    local: end(endsAt + 8, endsAt + 2),
    remote: end(endsAt + 24, endsAt + 4),
  };
}

const fieldOf: Readonly<Record<TcpEventKind, Exclude<keyof TcpPeer, 'remote'>>> = {
  retransmit: 'retransmits',
  'reset-sent': 'resetsSent',
  'reset-received': 'resetsReceived',
  failed: 'failed',
};

const eventsAtMost = 2000;
const peersAtMost = 100;

type Counts = { [Field in Exclude<keyof TcpPeer, 'remote'>]: number };
const none: Counts = { retransmits: 0, resetsSent: 0, resetsReceived: 0, failed: 0 };

export function createTcpTally(): {
  readonly add: (event: TcpEvent) => void;
  readonly result: (
    base: TraceResult,
    changeCount: (before: number, after: number) => number,
  ) => Omit<TcpResult, 'sharedNetwork'>;
} {
  const events: TcpEvent[] = [];
  const totals: Counts = { ...none };
  const peers = new Map<string, Counts>();
  return {
    add: event => {
      const field = fieldOf[event.kind];
      totals[field] += 1;
      if (events.length < eventsAtMost) events.push(event);
      const name = peerOf(event);
      const peer = peers.get(name) ?? { ...none };
      peer[field] += 1;
      if (peers.has(name) || peers.size < 20 * peersAtMost) peers.set(name, peer);
    },
    result: (base, changeCount) => ({
      ...base,
      ...totals,
      // A socket that accept() gave begins as SYN_RECV; one that connect() made was in SYN_SENT.
      opened: {
        active: changeCount(synSent, established),
        passive: changeCount(synReceived, established),
      },
      closed: states.reduce(
        (sum, _, before) =>
          before === synSent || before === synReceived || states[before] === 'LISTEN'
            ? sum
            : sum + changeCount(before, close),
        0,
      ),
      peers: [...peers]
        .map(([remote, counts]) => ({ remote, ...counts }))
        .sort((one, other) => sum(other) - sum(one))
        .slice(0, peersAtMost),
      events: [...events],
    }),
  };
}

/** Where no socket sent it, somebody knocked at a port where nobody listens: his own port is a new one each time. */
const peerOf = ({ state, local, remote }: TcpEvent): string =>
  state === '-' ? `${withoutPort(remote)} at ${portOf(local)}` : remote;
const withoutPort = (end: string): string => end.slice(0, end.lastIndexOf(':'));
const portOf = (end: string): string => end.slice(end.lastIndexOf(':'));

const sum = ({ retransmits, resetsSent, resetsReceived, failed }: TcpPeer): number =>
  retransmits + resetsSent + resetsReceived + failed;
