import type { QueueState, Stage } from '../../observe/reach/path.ts';
import type { Missing } from '../verdict.ts';

/** A queue or hook of traffic control that dropped packets in the window. */
export interface DroppingQueue {
  readonly state: QueueState;
  /** The filter whose action dropped them; null for the queue itself, or where a BPF program decided. */
  readonly filter: string | null;
  readonly drops: readonly [before: number, after: number];
  /** Of the packets that came to the queue, or that the filter matched, in the window: 0 to 1. */
  readonly share: number;
  /** Of all that came by: when it is nearly all of them, this connection's packets were among them. */
  readonly ofAll: number;
}

/** A share from which no packet of this connection can be expected to pass. */
export const nearlyAll = 0.9;
/** Less than this is what a full queue does to slow senders down, or the loss that retransmissions are about. */
const muchOfIt = 0.2;

/** The queue on the way from this stage to the next that drops most, when that is enough to hold a connection up. */
export function droppingQueue({ queues }: Stage): DroppingQueue | null {
  const all = (queues?.present === true ? queues.value : []).flatMap(state => {
    const dropping = inWindow(state);
    return dropping !== null && dropping.share >= muchOfIt ? [dropping] : [];
  });
  return all.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

/** Null for one that dropped nothing, or was not there in the first sample. */
export function inWindow(state: QueueState): DroppingQueue | null {
  const drops = grown(state.drops);
  const packets = grown(state.packets);
  if (drops === null || packets === null || drops.by === 0) return null;
  const isHook = /^(?:clsact|ingress)$/.test(state.kind);
  const guilty = state.filters.find(({ acted }) => acted !== null && (grown(acted.drops)?.by ?? 0) > 0);
  // A hook for both directions counts them together: filters that count for themselves tell whether it was this one.
  if (isHook && guilty === undefined && state.filters.every(({ acted }) => acted !== null)) return null;
  const ofAll = shareOf(drops.by, isHook ? packets.by : packets.by + drops.by);
  if (guilty?.acted == null) return { state, filter: null, drops: drops.range, share: ofAll, ofAll };
  const its = { drops: grown(guilty.acted.drops), packets: grown(guilty.acted.packets) };
  return {
    state,
    filter: guilty.text,
    drops: its.drops?.range ?? drops.range,
    share: shareOf(its.drops?.by ?? 0, its.packets?.by ?? 0),
    ofAll,
  };
}

const shareOf = (part: number, whole: number): number => (whole <= 0 ? 1 : Math.min(1, part / whole));

function grown([before, after]: readonly [number | null, number]): {
  readonly by: number;
  readonly range: readonly [number, number];
} | null {
  return before === null || after < before ? null : { by: after - before, range: [before, after] };
}

/** What a program at the very first hook does to packets is not known from outside. */
export const unjudgedPrograms = ({ programs = [], queues }: Stage): readonly Missing[] => [
  ...programs.map(({ place, device, id }) => ({
    what: `what the XDP program ${id} at ${device} in ${place} does to the packets`,
    because: 'needs-trace' as const,
    remedy: `glassbox trace drops shows XDP as the reason; bpftool prog dump xlated id ${id}`,
  })),
  ...(queues?.present === false ? [queues] : []),
];
