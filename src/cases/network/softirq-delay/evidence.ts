import { sayNamespace } from '../../../diagnose/network-losses.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { SoftirqResult } from '../../../trace/instruments/softirq/result.ts';
import type { SoftirqFacts } from './case.ts';
import { foreignReceivers, ownPackets, packetsOn, type Shared, sayCpus, steeredTo } from './load.ts';

export function evidenceOf(facts: SoftirqFacts, worst: Shared): readonly Evidence[] {
  const where = sayCpus(worst);
  const ms = (value: number): string => `+${Math.round(value / 1000)} ms`;
  const runs = new Map<string, number>();
  for (const cpu of worst.cpus)
    for (const [kind, count] of Object.entries(cpu.runs)) runs.set(kind, (runs.get(kind) ?? 0) + count);
  const most = [...runs].sort(([, a], [, b]) => b - a).slice(0, 3);
  return [
    {
      claim: `Softirqs on ${where}`,
      source: `/proc/stat ${worst.cpus.map(({ cpu }) => `cpu${cpu}`).join(' ')} softirq`,
      observed: `${ms(worst.softirq)} in ${Math.round(worst.available / 1000)} ms`,
    },
    {
      claim: 'What this container was charged there',
      source: facts.cpuByCpu.present
        ? 'cpuacct.usage_percpu'
        : 'usage of its cgroup, on the CPUs of its cpuset',
      observed: ms(worst.used),
    },
    {
      claim: 'Runs by kind on it',
      source: '/proc/softirqs',
      observed: most.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none',
    },
    {
      claim: 'Packets it took, and of these handed over (RPS)',
      source: '/proc/net/softnet_stat',
      observed: `+${packetsOn(worst)}, ${steeredTo(worst)} handovers`,
    },
  ];
}

/** Whose packets they may be: the three devices that received most, wherever they are. */
export const receiverEvidence = (facts: SoftirqFacts): readonly Evidence[] =>
  foreignReceivers(facts)
    .slice(0, 3)
    .map(receiver => ({
      claim: `Received by ${receiver.device} of ${sayNamespace(facts, receiver)}`,
      source: `nsenter -t ${receiver.pid} -n ip -s link show dev ${receiver.device}`,
      observed: `+${receiver.received}${receiver.sender === null ? '' : ` from ${sayNamespace(facts, receiver.sender)}`}`,
    }));

export function excludedBy(facts: SoftirqFacts, worst: Shared): readonly Evidence[] {
  const evidence: Evidence[] = [
    {
      claim: 'Not its own traffic',
      source: `/proc/${facts.container.init ?? '?'}/net/snmp Ip.InReceives`,
      observed: `+${ownPackets(facts)} of ${packetsOn(worst)} packets`,
    },
  ];
  const { first, last } = facts.cpu.own;
  if (first.present && first.value.throttling.present && last.throttling.present) {
    const throttled = last.throttling.value.throttledPeriods - first.value.throttling.value.throttledPeriods;
    if (throttled === 0)
      evidence.push({ claim: 'Not a CPU quota', source: 'cpu.stat nr_throttled', observed: '+0' });
  }
  return evidence;
}

export function tracedEvidence(trace: Reading<SoftirqResult>): readonly Evidence[] {
  if (!trace.present) return [];
  const { takenUs, seconds, functions } = trace.value;
  const [worst] = functions.filter(({ whose }) => whose === 'container');
  return [
    {
      claim: "Softirqs within this container's threads",
      source: 'glassbox trace softirq',
      observed: `${Math.round(takenUs / 1000)} ms in ${seconds.toFixed(1)} s`,
    },
    ...(worst === undefined
      ? []
      : [
          {
            claim: 'The function that took most of it',
            source: 'glassbox trace softirq',
            observed: `${worst.name} (${worst.kind})`,
          },
        ]),
  ];
}
