import type { Fix } from '../../../diagnose/verdict.ts';
import type { SoftirqFacts } from './case.ts';
import { type Shared, steeredTo } from './load.ts';

export function fixesFor({ container, host }: SoftirqFacts, worst: Shared): readonly Fix[] {
  const busy = worst.cpus.map(({ cpu }) => cpu);
  const others = Array.from({ length: host.cpus }, (_, cpu) => cpu).filter(cpu => !busy.includes(cpu));
  const list = others.join(',') || '<others>';
  const steer: Fix = {
    action: 'Take its CPUs out of the receive steering of the devices',
    command: 'grep . /sys/class/net/*/queues/rx-*/rps_cpus /proc/irq/*/smp_affinity_list',
    effect: 'RPS masks and interrupt affinities say which CPUs take packets; give them CPUs of their own.',
    risk: 'Fewer CPUs for packets: watch /proc/net/softnet_stat there.',
  };
  const move: Fix = {
    action: 'Move the container to CPUs that take no packets',
    ...(container.engine === 'docker'
      ? { command: `docker update --cpuset-cpus ${list} ${container.name}` }
      : {}),
    effect: 'Its time is then its own again.',
    risk: 'Pinned, it cannot use the others.',
  };
  const less: Fix = {
    action: 'Make the work less: shorten long rule chains, spread or limit the flood, batch (GRO)',
    effect:
      'Each packet walks each chain; sets and maps (nft, ipset) take one step for thousands of addresses.',
    risk: 'Changes of the firewall want a test.',
  };
  return steeredTo(worst) > 0 ? [steer, move, less] : [move, less, steer];
}
