import type { Broken } from '../../../diagnose/path/broken.ts';
import { isIpv6 } from '../../../diagnose/path/words.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { orElse } from '../../../linux/reading.ts';
import type { DropElsewhere, DropRow, DropsResult } from '../../../trace/instruments/drops/result.ts';
import type { FirewallFacts } from './case.ts';

/** Packets that the instrument `drops` saw ending in a firewall. */
export interface SeenDrop extends Pick<DropRow, 'reason' | 'function' | 'count'> {
  readonly place: string;
}

/** SKB_DROP_REASON_NETFILTER_DROP: REJECT ends a packet like DROP does, and answers beside it. */
const isFirewalls = ({ reason, protocol }: DropRow): boolean =>
  reason === 'NETFILTER_DROP' && protocol === 'tcp';

export const dropsSeen = ({ traced }: FirewallFacts): DropsResult | undefined => {
  const reading = tracedBy(traced, 'drops');
  return reading.present ? reading.value : undefined;
};

/** Those with the container's address in other namespaces, by the firewall. */
export const droppedElsewhere = (facts: FirewallFacts): readonly DropElsewhere[] => {
  const elsewhere = dropsSeen(facts)?.elsewhere;
  return elsewhere === undefined ? [] : orElse(elsewhere, []).filter(isFirewalls);
};

export const droppedAtHome = (facts: FirewallFacts): readonly DropRow[] =>
  (dropsSeen(facts)?.drops ?? []).filter(isFirewalls);

/** Of the packets of a walk, in the namespace where it ends. What was translated before has no address to know it by. */
export function seenDrop(facts: FirewallFacts, { stage, direction }: Broken): SeenDrop | undefined {
  const { source, destination, port } = stage.packet;
  const family = isIpv6(destination) ? 'ipv6' : 'ipv4';
  const isPort = (row: DropRow): boolean => row.family === family && (port === null || row.port === port);
  const rows: readonly DropRow[] =
    stage.namespace === facts.container.namespaces.net
      ? droppedAtHome(facts).filter(isPort)
      : droppedElsewhere(facts).filter(
          row =>
            row.namespace === stage.namespace &&
            isPort(row) &&
            row.peer === (direction === 'out' ? destination : source) &&
            row.direction === (direction === 'out' ? 'from' : 'to'),
        );
  const [first] = rows;
  return first === undefined
    ? undefined
    : { ...first, count: rows.reduce((sum, { count }) => sum + count, 0), place: stage.place };
}
