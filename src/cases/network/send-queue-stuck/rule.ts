import type { RuleOf } from '../../../diagnose/case.ts';
import { counterEvidence, sayEndpoint } from '../../../diagnose/net-counters.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, sayTime } from '../../../diagnose/wording.ts';
import { bytes, microseconds } from '../../../linux/units.ts';
import type { StuckConnection } from '../../../observe/tcp.ts';
import type { definition, StuckFacts } from './case.ts';
import { excludedBy, socketEvidence } from './evidence.ts';
import { fixesFor } from './fixes.ts';
import { holderOf, peerOf, sayHolder, sayWay, stuckConnections } from './stuck.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const stuck = stuckConnections(facts);
  // Whoever does not read is the cause, when both ends are here.
  const [worst] = [...stuck].sort((a, b) => rank(b) - rank(a));
  if (worst === undefined) return ruledOut(...restEvidence(facts));
  const peer = peerOf(worst, stuck);
  return found({
    // One slow client among many is daily life for a server; when it is what the container does, it hangs.
    severity: 2 * stuck.length >= facts.tcp.connections ? 'warning' : 'notice',
    certainty: 'proved',
    summary: summaryOf(facts, worst, peer, stuck.length),
    evidence: [
      ...socketEvidence(facts, worst),
      ...(peer === undefined ? [] : socketEvidence(facts, peer)),
      ...namespaceEvidence(facts, worst),
    ],
    excluded: excludedBy(facts, worst),
    fixes: fixesFor(facts, worst),
    trace: worst.how === 'unanswered' ? 'drops' : null,
  });
};

const order = { unread: 3, 'window-closed': 2, unanswered: 1 } as const;
const rank = ({ how, last }: StuckConnection): number => order[how] * 2 ** 40 + last.unsent + last.unread;

function summaryOf(
  facts: StuckFacts,
  worst: StuckConnection,
  peer: StuckConnection | undefined,
  count: number,
): string {
  const others = count - (peer === undefined ? 1 : 2);
  const more = others > 0 ? ` ${sayCount(others, 'more socket')} like it.` : '';
  return `${mechanism(facts, worst, peer)}${more}`;
}

function mechanism(facts: StuckFacts, worst: StuckConnection, peer: StuckConnection | undefined): string {
  const { last } = worst;
  const waiting = sayBytes(bytes(last.unsent));
  const far = sayEndpoint(last.remote, last.remotePort);
  switch (worst.how) {
    case 'unread': {
      const queue = `${sayBytes(bytes(last.unread))} wait in its receive queue`;
      const sender =
        peer === undefined
          ? `The sender ${far} may send nothing more`
          : `${capital(sayHolder(facts, peer))} at the other end waits with ${sayBytes(bytes(peer.last.unsent))} to send`;
      return `${capital(sayHolder(facts, worst))} does not read from ${sayWay(worst)}: ${queue}, none was taken in the window, and the receive window is closed. ${sender}. This side holds it up.`;
    }
    case 'window-closed':
      return `${waiting} of ${sayHolder(facts, worst)} wait to be sent, ${sayWay(worst)}: the receiver has closed its window, because its program does not read. The kernel only probes it. The far side ${far} holds it up, not the network: it answers the probes.`;
    case 'unanswered':
      return `${waiting} of ${sayHolder(facts, worst)} wait, ${sayWay(worst)}: nothing has been acknowledged for ${sayTime(microseconds((last.info?.sinceAck ?? 0) * 1000))}, and the oldest segment was sent again ${sayCount(last.info?.retransmits ?? 0, 'time')}, at doubling intervals. The window is open: packets or their answers are lost on the way to ${far}, or it is gone.`;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function namespaceEvidence(facts: StuckFacts, { how }: StuckConnection): readonly Evidence[] {
  if (!facts.networkCounters.present) return [];
  const counters = { ...facts, networkCounters: facts.networkCounters.value };
  const [name, claim] = {
    unread: ['TcpExt.TCPToZeroWindowAdv', 'Windows closed in its namespace so far'],
    'window-closed': ['TcpExt.TCPWinProbe', 'Probes of closed windows in its namespace'],
    unanswered: ['TcpExt.TCPTimeouts', 'Timeouts in its namespace'],
  }[how] as [string, string];
  return [counterEvidence(counters, name, claim)];
}

function restEvidence(facts: StuckFacts): readonly Evidence[] {
  const passing = facts.tcp.stuck.length;
  return [
    {
      claim: 'Connections with data waiting that did not move',
      source: `sock_diag in the network namespace of ${facts.container.init ?? '?'}`,
      observed: `0 of ${facts.tcp.connections}${passing > 0 ? `, ${passing} for a moment` : ''}`,
    },
    ...facts.tcp.stuck
      .slice(0, 1)
      .filter(stuck => holderOf(facts, stuck) !== undefined)
      .flatMap(stuck => socketEvidence(facts, stuck)),
  ];
}
