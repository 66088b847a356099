import type { Fix } from '../../../diagnose/verdict.ts';
import type { ConntrackFacts } from './case.ts';
import type { Table } from './table.ts';

/** One entry of the table and its place in the hash, about. */
const bytesPerEntry = 320;

export function fixesFor({ container }: ConntrackFacts, { of, max }: Table): readonly Fix[] {
  const wanted = 4 * max;
  const where = of === 'host' ? '' : `nsenter -t ${container.init ?? '<pid>'} -n `;
  return [
    {
      action: 'Raise the limit: on the host, for it is one for all namespaces',
      command: `sysctl -w net.netfilter.nf_conntrack_max=${wanted}`,
      effect: 'Acts at once, in every namespace. In a container the value is read-only.',
      risk: `Up to ${Math.ceil((wanted * bytesPerEntry) / 2 ** 20)} MiB of kernel memory; raise nf_conntrack_buckets too.`,
    },
    {
      action: 'Do not track what needs no tracking: connections of this service',
      command: `${where}iptables -t raw -A PREROUTING -p tcp --dport <port> -j CT --notrack`,
      effect: 'No entry is made; the same is needed for the answers (OUTPUT, --sport).',
      risk: 'Rules with NAT or --ctstate do not act for these connections.',
    },
    {
      action: 'Find out what fills it, and let idle entries go sooner',
      command: `${where}conntrack -L | awk '{print $1, $4}' | sort | uniq -c | sort -rn | head`,
      effect: 'nf_conntrack_tcp_timeout_established is 5 days by default; a day is plenty.',
      risk: 'A connection that is silent for longer is forgotten, and breaks.',
    },
  ];
}
