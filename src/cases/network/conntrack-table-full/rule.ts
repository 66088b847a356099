import type { RuleOf } from '../../../diagnose/case.ts';
import { counterGrowth, inHostNamespace } from '../../../diagnose/net-counters.ts';
import { type Evidence, type Found, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { ConntrackFacts, definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { hostTable, isFull, ownTable, refusedIn, type Table } from './table.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const own = ownTable(facts);
  const host = hostTable(facts);
  const tables = [own, host].filter(table => table !== undefined);
  const acting = tables.find(table => refusedIn(table) > 0);
  if (acting !== undefined) return found(tellRefused(facts, acting));
  // Full, and nobody has come since: the next new connection is dropped.
  if (own !== undefined && isFull(own)) return found(tellFull(facts, own));
  if (facts.containerSysctls['net.netfilter.nf_conntrack_max'] === undefined && facts.conntrack.present)
    return inconclusive({
      what: 'net.netfilter.nf_conntrack_max',
      because: 'not-permitted',
      remedy: 'run as root, with CAP_SYS_ADMIN, to look into its network namespace',
    });
  return ruledOut(...tables.map(tableEvidence), ...(tables.length === 0 ? [nothingTracked(facts)] : []));
};

type Told = Omit<Found, 'kind'>;

function tellRefused(facts: ConntrackFacts, table: Table): Told {
  const packets = sayCount(refusedIn(table), 'packet');
  const seconds = (facts.windowMs / 1000).toFixed(1);
  const whose =
    table.of === 'host'
      ? "The host's table of tracked connections is full, and what the host routes or translates for this container is in it"
      : 'The table of tracked connections of its network namespace is full';
  return {
    severity: table.of === 'host' ? 'warning' : 'critical',
    // The host's counter does not say whose packets they were.
    certainty: table.of === 'host' ? 'likely' : 'proved',
    summary: `${whose}: ${table.count} of ${table.max}. In ${seconds} s the kernel dropped ${packets} that would have begun a new connection; those that exist go on. Clients see timeouts, not refusals.`,
    evidence: [tableEvidence(table), dropEvidence(table)],
    excluded: excludedBy(facts, table),
    fixes: fixesFor(facts, table),
    trace: table.of === 'host' ? 'drops' : null,
  };
}

const tellFull = (facts: ConntrackFacts, table: Table): Told => ({
  severity: 'warning',
  certainty: (table.stat?.last.drop ?? 0) > 0 ? 'proved' : 'likely',
  summary: `The table of tracked connections of its network namespace is full: ${table.count} of ${table.max}. Nothing new came while we looked; the next new connection is dropped.`,
  evidence: [tableEvidence(table), dropEvidence(table)],
  excluded: excludedBy(facts, table),
  fixes: fixesFor(facts, table),
  trace: 'drops',
});

const whoseTable = (table: Table): string => (table.of === 'host' ? 'of the host' : 'in its namespace');

const tableEvidence = (table: Table): Evidence => ({
  claim: `Tracked connections ${whoseTable(table)}`,
  source: `net.netfilter.nf_conntrack_{count,max}, ${table.of === 'host' ? 'on the host' : 'read in the container'}`,
  observed: `${table.count} of ${table.max}`,
});

const dropEvidence = ({ stat, pid }: Table): Evidence => ({
  claim: 'Packets dropped for want of an entry',
  source: `/proc/${pid}/net/stat/nf_conntrack drop (all CPUs)`,
  observed: stat === undefined ? 'not known' : `${stat.first.drop} → ${stat.last.drop}`,
});

function excludedBy(facts: ConntrackFacts, { of, stat }: Table): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (stat !== undefined)
    evidence.push({
      claim: 'Not a clash of two entries: none failed to go in',
      source: 'net/stat/nf_conntrack insert_failed',
      observed: `${stat.first.insertFailed} → ${stat.last.insertFailed}`,
    });
  if (facts.networkCounters.present && of !== 'host') {
    const overflows = counterGrowth(
      { ...facts, networkCounters: facts.networkCounters.value },
      'TcpExt.ListenOverflows',
    );
    if (overflows.present && overflows.value === 0)
      evidence.push({
        claim: 'Not a full listen queue',
        source: 'net/netstat TcpExt.ListenOverflows',
        observed: '+0',
      });
  }
  return evidence;
}

const nothingTracked = (facts: ConntrackFacts): Evidence => ({
  claim: 'No connection is tracked in its namespace',
  source: inHostNamespace(facts) ? 'the host' : `network namespace of ${facts.container.init ?? '?'}`,
  observed: facts.conntrack.present ? '0 entries' : 'no net/stat/nf_conntrack',
});
