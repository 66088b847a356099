import type { RuleOf } from '../../../diagnose/case.ts';
import {
  counterEvidence,
  counterGrowth,
  growthOrZero,
  inHostNamespace,
} from '../../../diagnose/net-counters.ts';
import { type Loss, lossEvidence, lossesIn, sayLoss } from '../../../diagnose/network-losses.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount, sayShare } from '../../../diagnose/wording.ts';
import type { definition, RetransmissionFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { dropEvidence, dropsSeen, peersSeen, type SeenDrops, sayDrop } from './seen.ts';

/** A probe at the end of a transfer, a lost packet in a second: any network has them. */
const daily = 3;
/** From here on throughput suffers visibly: each loss halves the window of a connection. */
const muchShare = 0.01;

export const rule: RuleOf<typeof definition> = facts => {
  const again = counterGrowth(facts, 'Tcp.RetransSegs');
  const sent = counterGrowth(facts, 'Tcp.OutSegs');
  if (!again.present) return inconclusive(again);
  if (!sent.present) return inconclusive(sent);
  // What the receiver reports as received twice was not lost, and attempts to connect are no stream of data.
  const needless = growthOrZero(facts, 'TcpExt.TCPDSACKRecv');
  const opening = growthOrZero(facts, 'TcpExt.TCPSynRetrans');
  const lost = Math.max(0, again.value - needless - opening);
  if (lost < daily || lost < needless)
    return ruledOut(...restEvidence(facts, again.value, needless, opening));

  const losses = facts.networks.present ? lossesIn(facts.networks.value) : [];
  // Drops in the number of the retransmissions: half of them, for some are probes and timeouts.
  const here = losses.filter(({ packets }) => packets * 2 >= lost);
  const [worst] = here;
  const seen = dropsSeen(facts);
  const seenHere = seen !== undefined && seen.packets * 2 >= lost;
  const share = lost / Math.max(1, sent.value + again.value);
  const ours = !inHostNamespace(facts);
  return found({
    severity: share >= muchShare && ours ? 'warning' : 'notice',
    certainty: worst === undefined && !seenHere ? 'likely' : 'proved',
    summary: `${sayCount(lost, 'segment')} of ${sent.value} were sent again in ${(facts.windowMs / 1000).toFixed(1)} s (${sayShare(share)}), for they were lost. ${seenHere && worst === undefined ? saySeen(seen) : sayWhere(facts, worst, losses)}`,
    evidence: [
      counterEvidence(facts, 'Tcp.RetransSegs', 'Segments sent again, in its namespace'),
      counterEvidence(facts, 'Tcp.OutSegs', 'Segments sent'),
      ...(growthOrZero(facts, 'TcpExt.TCPTimeouts') > 0
        ? [counterEvidence(facts, 'TcpExt.TCPTimeouts', 'Of these, only after a timeout')]
        : []),
      ...here.slice(0, 4).map(loss => lossEvidence(facts, loss)),
      ...(seenHere ? [dropEvidence(seen)] : []),
      ...peersSeen(facts),
    ],
    excluded: [
      ...excludedBy(facts, here, needless, seenHere),
      ...(seen !== undefined && !seenHere ? [dropEvidence(seen)] : []),
    ],
    fixes: fixesFor(facts, worst, seenHere),
    // Once it has looked there is no more to see from here.
    trace: worst === undefined && seen === undefined ? 'drops' : null,
  });
};

const saySeen = ({ packets, worst }: SeenDrops): string =>
  worst === undefined
    ? ''
    : `The kernel threw away ${sayCount(packets, 'segment')} meanwhile: ${sayDrop(worst)}.`;

function sayWhere(facts: RetransmissionFacts, worst: Loss | undefined, losses: readonly Loss[]): string {
  if (!facts.networks.present) return 'Where is not known: other network namespaces were not looked at.';
  if (worst !== undefined)
    return `They were lost on this machine, at ${sayLoss(facts, worst)}: ${sayCount(worst.packets, 'packet')} in the same time.`;
  const few = losses.length > 0 ? ' in that number' : '';
  const places = sayCount(facts.networks.value.length, 'network namespace');
  return `No device, queue, firewall or socket of the ${places} that it is connected with here lost packets${few}: they were lost beyond this machine, or at the peer.`;
}

function excludedBy(
  facts: RetransmissionFacts,
  here: readonly Loss[],
  needless: number,
  seenHere: boolean,
): readonly Evidence[] {
  const evidence: Evidence[] = [
    {
      claim: 'Not reordering: few were received twice',
      source: 'net/netstat TcpExt.TCPDSACKRecv',
      observed: `+${needless}`,
    },
  ];
  // A hook ahead of IP is a firewall, too, and moves no counter that was read.
  if (seenHere) return evidence;
  const kinds = { queue: 'a full queue', filtered: 'a firewall', tcp: 'the receiving socket' } as const;
  if (facts.networks.present)
    for (const [how, name] of Object.entries(kinds))
      if (!here.some(loss => loss.how === how))
        evidence.push({
          claim: `Not ${name} on this machine`,
          source:
            how === 'queue' ? 'tc -s qdisc in each namespace' : 'net/snmp and netstat of each namespace',
          observed: 'no drops in that number',
        });
  return evidence;
}

function restEvidence(
  facts: RetransmissionFacts,
  again: number,
  needless: number,
  opening: number,
): readonly Evidence[] {
  const evidence = [counterEvidence(facts, 'Tcp.RetransSegs', 'Segments sent again, in its namespace')];
  if (again === 0) return evidence;
  return [
    ...evidence,
    {
      claim: 'Of these: received twice, attempts to connect',
      source: 'net/netstat TcpExt.TCPDSACKRecv, TCPSynRetrans',
      observed: `${needless}, ${opening} of ${again}`,
    },
  ];
}
