import type { Loss } from '../../../diagnose/network-losses.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { RetransmissionFacts } from './case.ts';

export function fixesFor(
  facts: RetransmissionFacts,
  loss: Loss | undefined,
  /** A trace saw the kernel throw them away. */
  seenHere: boolean,
): readonly Fix[] {
  const init = facts.container.init ?? '<pid>';
  if (loss === undefined && seenHere)
    return [
      {
        action: 'Find what throws them away: a rule, a filter of tc or XDP, a buffer that is too small',
        command: `nsenter -t ${init} -n sh -c 'nft list ruleset; tc -s filter show dev eth0 ingress; ip -d link'`,
        effect: 'The function and the reason above name the kind; its own counters name the rule.',
        risk: 'No risk in looking',
      },
    ];
  if (loss === undefined)
    return [
      {
        action:
          'Look at the far end and at what is between: the same command there, interface errors, a policer',
        command: `nsenter -t ${init} -n ss -tino`,
        effect: 'Shows which peers have lost or retrans: all of them, or one.',
        risk: 'No risk in looking',
      },
    ];
  const enter = `nsenter -t ${loss.place.pid} -n`;
  switch (loss.how) {
    case 'queue':
      return [
        {
          action: `Give the queue (${loss.qdisc}) room for a burst, or a rate that fits what is sent`,
          command: `${enter} tc -s qdisc show dev ${loss.device}`,
          effect: 'A queue that holds a round trip of its rate loses nothing when senders pause.',
          risk: 'A long queue is a long wait: fq_codel keeps both small.',
        },
        {
          action: 'Let the sender pace its packets: fq, or BBR as its congestion control',
          command: `nsenter -t ${init} -n sysctl -w net.ipv4.tcp_congestion_control=bbr`,
          effect: 'Packets come evenly, and a short queue is enough.',
          risk: 'For new connections only; the module must be loaded on the host.',
        },
      ];
    case 'filtered':
      return [
        {
          action: 'Find the rule whose counter moves',
          command: `${enter} nft list ruleset   # and: ${enter} iptables-save -c`,
          effect: 'A limit, a statistic match or a state match that drops some packets, not all.',
          risk: 'No risk in looking',
        },
      ];
    case 'sending':
    case 'receiving':
      return [
        {
          action: `Look at ${loss.device}: its ring, its errors, and whether a CPU is too busy to empty it`,
          command: `${enter} ip -s -s link show dev ${loss.device}`,
          effect:
            'Larger rings (ethtool -G), more queues or RPS; a veth drops when nobody is at the other end.',
          risk: 'Changing rings resets the card.',
        },
      ];
    case 'tcp':
      return [
        {
          action: 'Let the receiver read sooner, or give it more buffer',
          command: `${enter} sysctl net.ipv4.tcp_rmem`,
          effect: 'A backlog or buffer that is full drops what comes.',
          risk: 'Memory for each connection',
        },
      ];
  }
}
