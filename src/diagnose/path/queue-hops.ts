import type { QueueState, Stage } from '../../observe/reach/path.ts';
import type { Broken } from './broken.ts';
import type { Part } from './hops.ts';
import { inWindow } from './queues.ts';

/** Traffic control and XDP between a stage and the next, as far as there is something to say about it. */
export function queueHops({ queues, programs = [] }: Stage, broken: Broken | null): readonly Part[] {
  const parts: Part[] = programs.map(({ place, device, id, mode }) => ({
    says: `XDP program ${id} (${mode}) at ${device} in ${place} sees it first; what it does is not known`,
    state: 'unknown',
  }));
  if (queues === undefined) return parts;
  if (!queues.present) return [...parts, { says: `${queues.what}: ${queues.remedy}`, state: 'unknown' }];
  for (const state of queues.value) {
    const dropped = inWindow(state);
    const isStop = broken?.queue?.state === state;
    if (dropped === null && isQuiet(state)) continue;
    const [before, after] = dropped?.drops ?? [0, 0];
    const count =
      dropped === null ? '' : `, dropped ${after - before} (${Math.round(dropped.share * 100)} %)`;
    const filter = dropped?.filter ?? null;
    const by = filter === null ? (state.filters[0]?.text ?? state.options) : filter;
    parts.push({
      says: `${state.kind} ${state.way} ${state.device} in ${state.place}${count}${by === '' ? '' : `: ${by}`}`,
      state: isStop ? 'stop' : 'note',
    });
  }
  return parts;
}

/** The queues that every device has, and hooks without a filter. */
const isQuiet = ({ kind, filters }: QueueState): boolean =>
  /^(?:fq_codel|fq|pfifo_fast|pfifo|mq)$/.test(kind) ||
  (/^(?:clsact|ingress)$/.test(kind) && filters.length === 0);
