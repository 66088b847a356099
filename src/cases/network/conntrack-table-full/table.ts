import { inHostNamespace } from '../../../diagnose/net-counters.ts';
import type { ConntrackStat } from '../../../linux/net/conntrack-stat.ts';
import type { Sysctls } from '../../../linux/net/sysctl.ts';
import type { Reading } from '../../../linux/reading.ts';
import { parseCount } from '../../../linux/units.ts';
import type { ConntrackFacts } from './case.ts';

/** One network namespace's tracked connections. The limit is one number for the whole machine, each namespace counts for itself. */
export interface Table {
  readonly of: 'container' | 'host';
  readonly count: number;
  readonly max: number;
  readonly stat: { readonly first: ConntrackStat; readonly last: ConntrackStat } | undefined;
  /** A process in that namespace. */
  readonly pid: number | string;
}

export const ownTable = (facts: ConntrackFacts): Table | undefined =>
  tableOf('container', facts.containerSysctls, facts.conntrack, facts.container.init ?? '?');

/** Undefined, too, when the container's is the host's: then it is its own. */
export function hostTable(facts: ConntrackFacts): Table | undefined {
  const { conntrack } = facts.host;
  if (inHostNamespace(facts) || conntrack === undefined || !facts.hostSysctls.present) return undefined;
  return tableOf('host', facts.hostSysctls.value, conntrack, 1);
}

function tableOf(
  of: Table['of'],
  sysctls: Sysctls,
  stat: Reading<NonNullable<Table['stat']>>,
  pid: Table['pid'],
): Table | undefined {
  const count = parseCount(sysctls['net.netfilter.nf_conntrack_count']);
  const max = parseCount(sysctls['net.netfilter.nf_conntrack_max']);
  // 0 is no limit (__nf_conntrack_alloc).
  if (count === undefined || max === undefined || max === 0 || count === 0) return undefined;
  return { of, count, max, stat: stat.present ? stat.value : undefined, pid };
}

export const isFull = ({ count, max }: Table): boolean => count >= max;

/**
 * Packets dropped in the window for want of an entry. An entry that could not be put in is counted as a drop as well,
 * and happens in tables with room (two packets at once); so the table has to have been full, or within a hundredth
 * of it when some entries have expired since.
 */
export function refusedIn({ stat, count, max }: Table): number {
  if (stat === undefined) return 0;
  const grown = stat.last.drop - stat.first.drop;
  const failed = stat.last.insertFailed - stat.first.insertFailed;
  const most = Math.max(count, stat.first.entries, stat.last.entries);
  return most >= 0.99 * max ? Math.max(0, grown - Math.max(0, failed)) : 0;
}
