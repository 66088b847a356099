import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { DropRow } from '../../../trace/instruments/drops/result.ts';
import type { RetransmissionFacts } from './case.ts';

/**
 * Reasons of enum skb_drop_reason (include/net/dropreason-core.h) by which a segment on its way is lost. Not among them are those
 * that follow from a loss or from an end: old data, a closed socket, a port where nobody listens.
 */
const losing =
  /^(?:QDISC_DROP|QDISC_OVERLIMIT|QUEUE_PURGE|FULL_RING|CPU_BACKLOG|NOMEM|NETFILTER_DROP|BPF_CGROUP_EGRESS|TC_INGRESS|TC_EGRESS|XDP|SOCKET_FILTER|SOCKET_RCVBUFF|SOCKET_BACKLOG|PROTO_MEM|TCP_CSUM|IP_CSUM|SKB_CSUM|IP_RPFILTER|IP_OUTNOROUTES|NEIGH_FAILED|NEIGH_QUEUEFULL|PKT_TOO_BIG|XFRM_POLICY|DEV_READY)$/;

interface Lost extends DropRow {
  /** `its own network namespace`, `the host`, or a process in another. */
  readonly place: string;
}

export interface SeenDrops {
  /** Segments of TCP that the kernel lost, and the worst of the places. */
  readonly packets: number;
  readonly worst: Lost | undefined;
  /** Whether also those were counted that got lost in other namespaces, by the container's addresses. */
  readonly everywhere: boolean;
}

/** Undefined without `diagnose --deep`. In a shared namespace the packets may be anybody's. */
export function dropsSeen({ traced }: RetransmissionFacts): SeenDrops | undefined {
  const trace = tracedBy(traced, 'drops');
  if (!trace.present || trace.value.sharedNetwork) return undefined;
  const { drops, elsewhere } = trace.value;
  const rows = [
    ...drops.map(row => ({ ...row, place: 'its own network namespace' })),
    ...(elsewhere?.present === true ? elsewhere.value : []),
  ].filter(({ protocol, reason }) => protocol === 'tcp' && losing.test(reason));
  const [worst] = rows.toSorted((one, other) => other.count - one.count);
  return {
    packets: rows.reduce((sum, { count }) => sum + count, 0),
    worst,
    everywhere: elsewhere?.present === true,
  };
}

export const sayDrop = ({ reason, function: name, device, place }: Lost): string =>
  `${name ?? 'the kernel'}() in ${place}${device === null ? '' : `, of what came by ${device}`}: ${reason}`;

export const dropEvidence = ({ packets, worst, everywhere }: SeenDrops): Evidence => ({
  claim:
    packets === 0
      ? `Nothing was thrown away ${everywhere ? 'on this machine' : 'in its own network namespace'}`
      : 'Its segments that the kernel threw away',
  source: 'glassbox trace drops (skb:kfree_skb)',
  observed:
    worst === undefined
      ? '0'
      : `+${packets}, mostly ${worst.reason} in ${worst.function ?? '?'}, ${worst.place}`,
});

/** Whom they were sent to again. */
export function peersSeen({ traced }: RetransmissionFacts): readonly Evidence[] {
  const trace = tracedBy(traced, 'tcp');
  if (!trace.present || trace.value.sharedNetwork) return [];
  const { peers, retransmits } = trace.value;
  return peers
    .filter(peer => peer.retransmits > 0)
    .toSorted((one, other) => other.retransmits - one.retransmits)
    .slice(0, 3)
    .map(peer => ({
      claim: `Sent again to ${peer.remote}`.slice(0, 60),
      source: 'glassbox trace tcp (tcp:tcp_retransmit_skb)',
      observed: `${peer.retransmits} of ${sayCount(retransmits, 'segment')}`,
    }));
}
