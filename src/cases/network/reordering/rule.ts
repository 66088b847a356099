import type { RuleOf } from '../../../diagnose/case.ts';
import {
  counterEvidence,
  counterGrowth,
  growthOrZero,
  inHostNamespace,
} from '../../../diagnose/net-counters.ts';
import { lossesIn } from '../../../diagnose/network-losses.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount, sayShare } from '../../../diagnose/wording.ts';
import type { definition, ReorderingFacts } from './case.ts';
import { fixes } from './fixes.ts';

/** A tail loss probe that was not needed is reported as a duplicate too: now and then, on any network. */
const daily = 3;
const muchShare = 0.01;

export const rule: RuleOf<typeof definition> = facts => {
  const again = counterGrowth(facts, 'Tcp.RetransSegs');
  const sent = counterGrowth(facts, 'Tcp.OutSegs');
  const twice = counterGrowth(facts, 'TcpExt.TCPDSACKRecv');
  for (const needed of [again, sent, twice]) if (!needed.present) return inconclusive(needed);
  if (!again.present || !sent.present || !twice.present) return inconclusive();
  const seen = growthOrZero(facts, 'TcpExt.TCPSACKReorder') + growthOrZero(facts, 'TcpExt.TCPTSReorder');
  // Each segment sent again came twice, so none of them was lost; and the sender saw holes fill late.
  const isReordering = twice.value >= daily && 2 * twice.value >= again.value && seen > 0;
  if (!isReordering) return ruledOut(...evidenceOf(facts).slice(0, again.value > 0 ? 4 : 1));
  const share = twice.value / Math.max(1, sent.value + again.value);
  return found({
    severity: share >= muchShare && !inHostNamespace(facts) ? 'warning' : 'notice',
    certainty: 'proved',
    summary: `Of ${sayCount(again.value, 'segment')} that were sent again in ${(facts.windowMs / 1000).toFixed(1)} s (${sayShare(share)} of all), ${twice.value} had not been lost: the receiver reported them as received twice. ${sayCount(seen, 'time')} a hole that looked like a loss was filled by a late packet. Packets of one connection overtake each other on the way.`,
    evidence: evidenceOf(facts),
    excluded: excludedBy(facts, again.value - twice.value),
    fixes: fixes(facts),
    trace: 'tcp',
  });
};

const evidenceOf = (facts: ReorderingFacts): readonly Evidence[] => [
  counterEvidence(facts, 'Tcp.RetransSegs', 'Segments sent again, in its namespace'),
  counterEvidence(facts, 'TcpExt.TCPDSACKRecv', 'Reported as received twice (D-SACK)'),
  counterEvidence(facts, 'TcpExt.TCPSACKReorder', 'Late packets that filled a hole (SACK)'),
  ...(growthOrZero(facts, 'TcpExt.TCPTSReorder') > 0
    ? [counterEvidence(facts, 'TcpExt.TCPTSReorder', 'The same, seen by time stamps')]
    : []),
  ...(growthOrZero(facts, 'TcpExt.TCPDSACKUndo') > 0
    ? [counterEvidence(facts, 'TcpExt.TCPDSACKUndo', 'Slow-downs taken back: there was no loss')]
    : []),
];

function excludedBy(facts: ReorderingFacts, unexplained: number): readonly Evidence[] {
  const evidence: Evidence[] = [
    {
      claim: 'Not loss: hardly any was needed',
      source: 'Tcp.RetransSegs less TcpExt.TCPDSACKRecv',
      observed: `+${Math.max(0, unexplained)}`,
    },
  ];
  const timeouts = counterGrowth(facts, 'TcpExt.TCPTimeouts');
  if (timeouts.present && timeouts.value === 0)
    evidence.push({
      claim: 'Not a delay: no timeout',
      source: 'net/netstat TcpExt.TCPTimeouts',
      observed: '+0',
    });
  if (facts.networks.present) {
    const dropped = lossesIn(facts.networks.value).reduce((sum, { packets }) => sum + packets, 0);
    evidence.push({
      claim: 'Dropped on this machine, on all its ways',
      source: 'queues, devices and IP of the connected namespaces',
      observed: `+${dropped}`,
    });
  }
  return evidence;
}
