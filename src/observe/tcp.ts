import { type KernelFiles, readParsed } from '../linux/files.ts';
import { type SocketView, type TcpConnection, type TcpState, tcpStates } from '../linux/net/connections.ts';
import { type PortRange, parsePortRange, reservedWithin } from '../linux/net/ports.ts';
import type { NetCounters } from '../linux/net/snmp.ts';
import { askConnections, dumpListeners, eachConnection } from '../linux/net/sock-diag.ts';
import { parseSockstat } from '../linux/net/sockstat.ts';
import { readSysctls } from '../linux/net/sysctl.ts';
import { mapReading, orElse, type Reading } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';

/** The TCP connections of a network namespace, but for those that are nobody's problem. */
export interface TcpFacts {
  /** Connections that were looked at; 0 when the counters said that there are none. */
  readonly connections: number;
  /** False when there were too many to look at all in time. */
  readonly complete: boolean;
  /** Where connect() takes a local port from; null when not asked for, as there were no connections. */
  readonly ports:
    | (PortRange & { /** ip_local_reserved_ports within it. */ readonly reserved: number })
    | null;
  /** To where most local ports of the range are in use, the most first; at most 16. */
  readonly destinations: readonly Destination[];
  /** Connections on which nothing moved in the whole window though something waits; at most 64. */
  readonly stuck: readonly StuckConnection[];
}

/** Connections from one address to one address and port: each takes another local port. */
export interface Destination {
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  /** Local ports in use for it at the end of the window, and at its beginning. */
  readonly held: number;
  readonly heldBefore: number;
  /** How many of them are in which state, as ss says it. */
  readonly states: Readonly<Partial<Record<TcpState, number>>>;
  /** A process that holds one; null when none was found, or only the kernel does. */
  readonly process: HostPid | null;
}

/** One socket at both ends of the window. */
export interface StuckConnection {
  /** The peer takes nothing, nothing is acknowledged, or this end's program does not read. */
  readonly how: 'window-closed' | 'unanswered' | 'unread';
  readonly first: SocketFigures;
  readonly last: SocketFigures;
  readonly process: HostPid | null;
}

export type SocketFigures = Omit<TcpConnection, 'id' | 'cookie'>;

const mostKept = 256;
const mostStuck = 64;
const mostDestinations = 16;
const mostKeys = 65_536;
/** 200,000 connections take a third of it. */
const longest = 1500;
/** Less than a window of the smallest kind is no stuck program but one that is late. */
const worthReading = 4096;

/** What the beginning of the window leaves for its end. */
export interface TcpBefore {
  readonly held: ReadonlyMap<string, number>;
  readonly suspects: readonly TcpConnection[];
}

/** Most namespaces have no connection, and are not asked about them: each dump walks the table of the whole machine. */
export const hasConnections = (counters: NetCounters): boolean => counters['Tcp.CurrEstab'] !== 0;

/** What CurrEstab does not count, when the program has closed them all. */
export function hasClosing(files: KernelFiles, pid: HostPid): boolean {
  const sockets = readParsed(files, `/proc/${pid}/net/sockstat`, parseSockstat);
  return !sockets.present || sockets.value['TCP.tw'] !== 0;
}

/** Looks at the calling thread's network namespace at the beginning of the window. */
export function lookAtConnections(files: KernelFiles): Reading<TcpBefore> {
  const { range } = readRange(files);
  const listening = new Set(orElse(dumpListeners(), []).map(({ port }) => port));
  const census = takeCensus(range, listening);
  return mapReading(census, ({ keys, suspects }) => ({
    held: new Map([...keys].map(([key, { count }]) => [key, count])),
    // Their figures now, so that the end of the window can tell what moved.
    suspects: orElse(askConnections(suspects), []),
  }));
}

/** The same at its end. `listening`: local ports that belong to the server's end of a connection. */
export function finishConnections(
  files: KernelFiles,
  before: TcpBefore,
  listening: ReadonlySet<number>,
): Reading<TcpFound> {
  const { range, reserved } = readRange(files);
  return mapReading(takeCensus(range, listening), ({ keys, total, complete }) => ({
    connections: total,
    complete,
    ports: range === undefined ? null : { ...range, reserved },
    destinations: [...keys]
      .sort(([, a], [, b]) => b.count - a.count)
      .slice(0, mostDestinations)
      .map(([key, { count, states, example, inode }]) => ({
        local: example.local,
        remote: example.remote,
        port: example.remotePort,
        held: count,
        heldBefore: before.held.get(key) ?? 0,
        states: namedStates(states),
        inode,
      })),
    stuck: pair(before.suspects),
  }));
}

/** Before anybody has looked who holds the sockets. */
export interface TcpFound extends Omit<TcpFacts, 'destinations' | 'stuck'> {
  readonly destinations: readonly (Omit<Destination, 'process'> & { readonly inode: number })[];
  readonly stuck: readonly Omit<StuckConnection, 'process'>[];
}

export const noConnections: TcpFacts = {
  connections: 0,
  complete: true,
  ports: null,
  destinations: [],
  stuck: [],
};

/** The sockets whose holders are worth a search. */
export const inodesOf = ({ destinations, stuck }: TcpFound): ReadonlySet<number> =>
  new Set(
    [...destinations.slice(0, 1).map(({ inode }) => inode), ...stuck.map(({ last }) => last.inode)].filter(
      inode => inode !== 0,
    ),
  );

export const withOwners = (found: TcpFound, owners: ReadonlyMap<number, HostPid>): TcpFacts => ({
  ...found,
  destinations: found.destinations.map(({ inode, ...destination }) => ({
    ...destination,
    process: owners.get(inode) ?? null,
  })),
  stuck: found.stuck.map(stuck => ({ ...stuck, process: owners.get(stuck.last.inode) ?? null })),
});

interface Held {
  count: number;
  readonly states: number[];
  readonly example: TcpConnection;
  /** Of a socket that somebody holds; 0 while none was seen. */
  inode: number;
}

interface Census {
  readonly keys: ReadonlyMap<string, Held>;
  readonly suspects: readonly TcpConnection[];
  readonly total: number;
  readonly complete: boolean;
}

function takeCensus(range: PortRange | undefined, listening: ReadonlySet<number>): Reading<Census> {
  const keys = new Map<string, Held>();
  const suspects: TcpConnection[] = [];
  let total = 0;
  let complete = true;
  const visit = (socket: SocketView): void => {
    total += 1;
    if (isSuspect(socket) && suspects.length < mostKept) suspects.push(socket.keep());
    const { localPort } = socket;
    if (range === undefined || localPort < range.first || localPort > range.last || listening.has(localPort))
      return;
    const key = socket.destinationKey();
    const held = keys.get(key);
    if (held !== undefined) {
      held.count += 1;
      held.states[socket.state] = (held.states[socket.state] ?? 0) + 1;
      if (held.inode === 0) held.inode = socket.inode;
    } else {
      if (keys.size >= mostKeys) {
        complete = false;
        forgetRare(keys);
      }
      const states: number[] = [];
      states[socket.state] = 1;
      keys.set(key, { count: 1, states, example: socket.keep(), inode: socket.inode });
    }
  };
  const end = performance.now() + longest;
  const read = eachConnection(visit, () => performance.now() < end);
  return mapReading(read, extent => ({ keys, suspects, total, complete: complete && extent === 'all' }));
}

/** Whoever was seen least is not the one whose ports are used up. */
function forgetRare(keys: Map<string, Held>): void {
  for (let rare = 1; keys.size > mostKeys / 2; rare *= 2)
    for (const [key, { count }] of keys) if (count <= rare) keys.delete(key);
}

const isSuspect = ({ timer, tries, unread, unsent }: SocketView): boolean =>
  (unsent > 0 && (timer === 'window-probe' || (timer === 'retransmit' && tries > 0))) ||
  unread >= worthReading;

function pair(suspects: readonly TcpConnection[]): readonly Omit<StuckConnection, 'process'>[] {
  const now = new Map(orElse(askConnections(suspects), []).map(socket => [socket.cookie, socket]));
  return suspects
    .flatMap(first => {
      const last = now.get(first.cookie);
      const how = last === undefined ? undefined : howStuck(first, last);
      return last === undefined || how === undefined
        ? []
        : [{ how, first: figures(first), last: figures(last) }];
    })
    .sort((a, b) => b.last.unsent + b.last.unread - (a.last.unsent + a.last.unread))
    .slice(0, mostStuck);
}

/** Not a byte moved between the samples. */
function howStuck(first: TcpConnection, last: TcpConnection): StuckConnection['how'] | undefined {
  const then = first.info;
  const now = last.info;
  if (then === null || now === null || then.acked === undefined || then.received === undefined)
    return undefined;
  if (last.unsent > 0 && now.acked === then.acked) {
    if (first.timer === 'window-probe' && last.timer === 'window-probe') return 'window-closed';
    if (first.timer === 'retransmit' && last.timer === 'retransmit' && now.retransmits > 0)
      return 'unanswered';
  }
  const taken = then.received - first.unread;
  return last.unread >= worthReading && (now.received ?? 0) - last.unread === taken ? 'unread' : undefined;
}

const figures = ({ id, cookie, ...rest }: TcpConnection): SocketFigures => rest;

const namedStates = (states: readonly number[]): Destination['states'] =>
  Object.fromEntries(
    states.flatMap((count, state) => (count > 0 ? [[tcpStates[state] ?? 'other', count]] : [])),
  );

function readRange(files: KernelFiles): { readonly range: PortRange | undefined; readonly reserved: number } {
  const names = ['net.ipv4.ip_local_port_range', 'net.ipv4.ip_local_reserved_ports'];
  const [text = '', kept = ''] = names.map(name => readSysctls(files, [name])[name]);
  const range = parsePortRange(text);
  return { range, reserved: range === undefined ? 0 : reservedWithin(kept, range) };
}

export const noneBefore: TcpBefore = { held: new Map(), suspects: [] };
