import { inHostNamespace, sayEndpoint } from '../../../diagnose/net-counters.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { StuckConnection } from '../../../observe/tcp.ts';
import type { StuckFacts } from './case.ts';

/** A pause that a window of a tenth of a second cannot tell from a hang. */
const longEnoughMs = 900;
/** One segment may be lost on any path; the second timeout in a row says that nothing gets through. */
const timeoutsInRow = 2;

/** Those that have been stuck for about a second, and at whose end something has stopped. */
export const stuckConnections = (facts: StuckFacts): readonly StuckConnection[] =>
  facts.tcp.stuck.filter(stuck => isLasting(stuck) && isOurs(facts, stuck));

function isLasting({ how, last }: StuckConnection): boolean {
  const { info } = last;
  if (info === null) return false;
  switch (how) {
    case 'window-closed':
      return info.sinceSent >= longEnoughMs && (info.sendWindow ?? 0) < 2;
    case 'unanswered':
      return info.retransmits >= timeoutsInRow && info.sinceAck >= longEnoughMs;
    case 'unread':
      return info.sinceReceived >= longEnoughMs && isWindowClosed(last);
  }
}

/**
 * This end lets the peer send nothing. Before 6.2 the kernel does not tell; __tcp_select_window() closes the window
 * when a sixteenth of the buffer is left.
 */
export function isWindowClosed({ info, receiveMemory }: StuckConnection['last']): boolean {
  if (info?.receiveWindow !== undefined) return info.receiveWindow === 0;
  return receiveMemory !== null && receiveMemory.used * 16 >= receiveMemory.limit * 15;
}

function isOurs(facts: StuckFacts, { process }: StuckConnection): boolean {
  if (!inHostNamespace(facts)) return true;
  return facts.processes.present && facts.processes.value.some(({ pid }) => pid === process);
}

/** The other end, when it is in the same network namespace. */
export const peerOf = (
  stuck: StuckConnection,
  all: readonly StuckConnection[],
): StuckConnection | undefined =>
  all.find(
    ({ last }) =>
      last.local === stuck.last.remote &&
      last.localPort === stuck.last.remotePort &&
      last.remote === stuck.last.local &&
      last.remotePort === stuck.last.localPort,
  );

export const holderOf = (
  { processes }: StuckFacts,
  { process }: StuckConnection,
): ProcessFacts | undefined =>
  processes.present ? processes.value.find(({ pid }) => pid === process) : undefined;

/** `/usr/bin/app (pid 4711)`. */
export function sayHolder(facts: StuckFacts, stuck: StuckConnection): string {
  const holder = holderOf(facts, stuck);
  return holder === undefined ? 'the program' : `${sayProgram(holder)} (pid ${holder.pid})`;
}

export const sayWay = ({ last }: StuckConnection): string =>
  `${sayEndpoint(last.local, last.localPort)} → ${sayEndpoint(last.remote, last.remotePort)}`;
