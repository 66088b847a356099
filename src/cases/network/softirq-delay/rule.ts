import type { RuleOf } from '../../../diagnose/case.ts';
import { cpuUsageFile } from '../../../diagnose/cpu-usage.ts';
import { inHostNamespace } from '../../../diagnose/net-counters.ts';
import { sayNamespace } from '../../../diagnose/network-losses.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayShare, sayTime } from '../../../diagnose/wording.ts';
import { microseconds } from '../../../linux/units.ts';
import type { definition, SoftirqFacts } from './case.ts';
import { evidenceOf, excludedBy, receiverEvidence, tracedEvidence } from './evidence.ts';
import { fixesFor } from './fixes.ts';
import { foreignReceivers, ownPackets, packetsOn, type Shared, sayCpus, sharedCpus } from './load.ts';

/** Ticks see every hundredth of a second: less than this may be chance. */
const worthTelling = 0.1;
/** Softirqs that take this much of a CPU delay whatever runs there. */
const heavy = 0.3;
/** Packets a second on its CPU that are not its own: 2 µs each when little is done with them, 50 µs when much is. */
const manyPackets = 5000;

export const rule: RuleOf<typeof definition> = facts => {
  const [worst] = sharedCpus(facts);
  if (worst === undefined || worst.used === 0)
    return ruledOut({
      claim: 'It did not run in the window',
      source: cpuUsageFile(facts.cpu.own),
      observed: '+0',
    });
  const window = facts.windowMs * 1000;
  const trace = tracedBy(facts.traced, 'softirq');
  const taken = trace.present ? trace.value.takenUs / trace.value.seconds / 1e6 : 0;
  if (isOwnTraffic(facts, worst)) return ruledOut(...evidenceOf(facts, worst), ownEvidence(facts, worst));

  // What a shared cgroup was charged may be another's.
  const charged = facts.cpu.shared ? 0 : worst.charged;
  if (charged >= worthTelling * window || taken >= worthTelling)
    return found({
      severity: 'warning',
      certainty: 'proved',
      summary: summaryOf(facts, worst, charged, taken),
      evidence: [...evidenceOf(facts, worst), ...receiverEvidence(facts), ...tracedEvidence(trace)],
      excluded: excludedBy(facts, worst),
      fixes: fixesFor(facts, worst),
      trace: 'softirq',
    });
  // The sums leave room: somebody else's slices may have paid, or the work hides between the ticks.
  const tight =
    worst.softirq >= heavy * worst.available && worst.used + worst.softirq >= 0.9 * worst.available;
  const foreign = ((packetsOn(worst) - ownPackets(facts)) * 1000) / facts.windowMs;
  if (!trace.present && worst.used >= 0.2 * window && (tight || foreign >= manyPackets))
    return inconclusive({
      what: `whose time softirqs take on ${sayCpus(worst)}, which handled ${Math.round(foreign)} packets/s of others`,
      because: 'needs-trace',
      remedy: `glassbox diagnose --deep ${facts.container.name}`,
    });
  return ruledOut(...evidenceOf(facts, worst));
};

/** A server's own packets are its own work, and the kernel is right to charge it for them. */
function isOwnTraffic(facts: SoftirqFacts, worst: Shared): boolean {
  if (inHostNamespace(facts)) return false;
  return ownPackets(facts) * 2 >= packetsOn(worst) && packetsOn(worst) > 0;
}

function summaryOf(facts: SoftirqFacts, worst: Shared, charged: number, taken: number): string {
  const time = (value: number): string => sayTime(microseconds(value));
  const where = sayCpus(worst);
  if (charged < worthTelling * facts.windowMs * 1000)
    return `Softirqs took ${sayShare(taken)} of a CPU from this container's threads, as a trace saw. The kernel charges that time to the container though it is work for others: packets or timers that are not its own.`;
  return `On ${where} the kernel spent ${time(worst.softirq)} of ${time(worst.available)} in softirqs, and charged this container ${time(worst.used)} of the same ${time(worst.available)}: at least ${time(charged)} of "its" CPU time was work for others. Its programs look busy and get little done; ${source(facts, worst)}`;
}

function source(facts: SoftirqFacts, worst: Shared): string {
  const packets = packetsOn(worst);
  const perSecond = Math.round((packets * 1000) / facts.windowMs);
  if (perSecond < 1000)
    return `the CPU took hardly any packets (${perSecond}/s), so rather timers or block I/O.`;
  return `the CPU took ${perSecond} packets a second, of which ${Math.round((ownPackets(facts) * 1000) / facts.windowMs)} came to this container.${sayReceiver(facts, worst)}`;
}

/** A device's counter is of all CPUs: it is named where it alone can be what kept this one busy. */
function sayReceiver(facts: SoftirqFacts, worst: Shared): string {
  const [most] = foreignReceivers(facts);
  if (most === undefined || most.received * 2 < packetsOn(worst)) return '';
  const from = most.sender === null ? '' : `, sent from ${sayNamespace(facts, most.sender)}`;
  return ` In the same time ${most.device} of ${sayNamespace(facts, most)} received ${Math.round((most.received * 1000) / facts.windowMs)} a second${from}.`;
}

const ownEvidence = (facts: SoftirqFacts, worst: Shared): Evidence => ({
  claim: 'Its own packets: that is work for itself',
  source: `/proc/${facts.container.init ?? '?'}/net/snmp Ip.InReceives`,
  observed: `+${ownPackets(facts)} of ${packetsOn(worst)} on that CPU`,
});
