import { growth } from '../../../diagnose/facts.ts';
import { growthOrZero } from '../../../diagnose/net-counters.ts';
import type { Receiver } from '../../../observe/networks.ts';
import type { CpuSoftirqs } from '../../../observe/softirqs.ts';
import type { SoftirqFacts } from './case.ts';

/** One CPU that the container ran on; on cgroup v2, which does not count by CPU, all that it may run on together. */
export interface Shared {
  readonly cpus: readonly CpuSoftirqs[];
  /** µs that the kernel charged the container there. */
  readonly used: number;
  /** µs that there were: the window, times the CPUs. */
  readonly available: number;
  readonly softirq: number;
  /** µs of softirqs that must be within what the container was charged: both do not fit beside each other. */
  readonly charged: number;
}

/** Most charged first, then most softirqs. */
export function sharedCpus(facts: SoftirqFacts): readonly Shared[] {
  const window = facts.windowMs * 1000;
  const { softirqs, cpuByCpu } = facts;
  const groups: readonly { readonly cpus: readonly CpuSoftirqs[]; readonly used: number }[] = cpuByCpu.present
    ? softirqs.flatMap(cpu => {
        const used = cpuByCpu.value[String(cpu.cpu)] ?? 0;
        return used > 0 ? [{ cpus: [cpu], used }] : [];
      })
    : [{ cpus: allowed(facts), used: usedAnywhere(facts) }];
  return groups
    .map(({ cpus, used }) => {
      const softirq = cpus.reduce((sum, cpu) => sum + cpu.softirqTime, 0);
      const available = window * cpus.length;
      return { cpus, used, available, softirq, charged: Math.max(0, used + softirq - available) };
    })
    .sort((a, b) => b.charged - a.charged || b.softirq - a.softirq);
}

function allowed({ softirqs, cpuset }: SoftirqFacts): readonly CpuSoftirqs[] {
  if (!cpuset.present) return softirqs;
  const cpus = new Set(cpuset.value.own.last.cpus);
  return softirqs.filter(({ cpu }) => cpus.has(cpu));
}

function usedAnywhere({ cpu }: SoftirqFacts): number {
  const used = growth(cpu.own, sample => sample.usage);
  return used.present ? used.value : 0;
}

/** Packets that came to IP in the container's own network namespace: softirqs for these are its own business. */
export function ownPackets(facts: SoftirqFacts): number {
  if (!facts.networkCounters.present) return 0;
  const counters = { ...facts, networkCounters: facts.networkCounters.value };
  return Math.max(growthOrZero(counters, 'Ip.InReceives'), growthOrZero(counters, 'Tcp.InSegs'));
}

/** Devices of others that received most in the window; empty when nobody looked. */
export const foreignReceivers = ({ receivers, container }: SoftirqFacts): readonly Receiver[] =>
  (receivers.present ? receivers.value : []).filter(
    ({ namespace }) => namespace !== container.namespaces.net,
  );

export const packetsOn = ({ cpus }: Shared): number => cpus.reduce((sum, { packets }) => sum + packets, 0);
export const steeredTo = ({ cpus }: Shared): number => cpus.reduce((sum, { steered }) => sum + steered, 0);

export const sayCpus = ({ cpus }: Shared): string => `CPU ${cpus.map(({ cpu }) => cpu).join(', ') || '?'}`;
