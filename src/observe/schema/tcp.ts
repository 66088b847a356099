import * as v from 'valibot';
import { type TcpState, type TcpTimer, tcpStates, tcpTimers } from '../../linux/net/connections.ts';
import type { ConntrackStat } from '../../linux/net/conntrack-stat.ts';
import type { TcpInfo } from '../../linux/net/tcp-info.ts';
import type { HostPid, NamespaceId } from '../../linux/units.ts';
import type { Relay } from '../relays.ts';
import type { Destination, SocketFigures, StuckConnection, TcpFacts } from '../tcp.ts';
import { flag, list, nullable, type Schema, text, whole } from './parts.ts';

const count = whole<number>();
const optional = v.exactOptional(count);
const state: Schema<TcpState> = v.picklist(tcpStates);
const timer: Schema<TcpTimer> = v.picklist(tcpTimers);
const process = nullable(whole<HostPid>());

const info: Schema<TcpInfo> = v.object({
  retransmits: count,
  probes: count,
  backoff: count,
  roundTrip: count,
  unacked: count,
  retransmitted: count,
  sinceAck: count,
  sinceSent: count,
  sinceReceived: count,
  acked: optional,
  received: optional,
  notSent: optional,
  busy: optional,
  windowLimited: optional,
  duplicates: optional,
  reordered: optional,
  sendWindow: optional,
  receiveWindow: optional,
});

const socket: Schema<SocketFigures> = v.object({
  local: text,
  localPort: count,
  remote: text,
  remotePort: count,
  state,
  timer,
  unread: count,
  unsent: count,
  inode: count,
  info: nullable(info),
  receiveMemory: nullable(v.object({ used: count, limit: count })),
});

const destination: Schema<Destination> = v.object({
  local: text,
  remote: text,
  port: count,
  held: count,
  heldBefore: count,
  states: v.record(v.string(), count) as unknown as Schema<Destination['states']>,
  process,
});

const stuck: Schema<StuckConnection> = v.object({
  how: v.picklist(['window-closed', 'unanswered', 'unread']),
  first: socket,
  last: socket,
  process,
});

export const relay: Schema<Relay> = v.object({
  pid: whole<HostPid>(),
  commandLine: list(text),
  namespace: whole<NamespaceId>(),
  ports: list(count),
  target: text,
  targetPort: count,
  seenAs: text,
  connections: count,
  clients: list(text),
  clientsFromElsewhere: count,
});

const conntrackStat: Schema<ConntrackStat> = v.object({
  entries: count,
  drop: count,
  earlyDrop: count,
  insertFailed: count,
});

export const conntrack: Schema<{ readonly first: ConntrackStat; readonly last: ConntrackStat }> = v.object({
  first: conntrackStat,
  last: conntrackStat,
});

export const tcp: Schema<TcpFacts> = v.object({
  connections: count,
  complete: flag,
  ports: nullable(v.object({ first: count, last: count, reserved: count })),
  destinations: list(destination),
  stuck: list(stuck),
});
