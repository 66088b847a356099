import type { Fix } from '../../../diagnose/verdict.ts';
import type { ReorderingFacts } from './case.ts';

export function fixes({ container }: ReorderingFacts): readonly Fix[] {
  const init = container.init ?? '<pid>';
  return [
    {
      action:
        'Find where one connection takes two ways: queues of different speed, bonding by packet, several paths',
      command: `nsenter -t ${init} -n tc -s class show dev eth0; grep . /sys/class/net/*/queues/rx-*/rps_cpus`,
      effect: 'One queue for one connection: hash by flow (RPS and RFS do), not by packet (round robin).',
      risk: 'No risk in looking',
    },
    {
      action: 'Let the sender wait longer for a late packet before it takes it for lost',
      command: `nsenter -t ${init} -n sysctl -w net.ipv4.tcp_reordering=30`,
      effect:
        'Fewer needless segments; RACK learns it for a connection by itself, and begins anew with the next.',
      risk: 'Real losses are mended later.',
    },
  ];
}
