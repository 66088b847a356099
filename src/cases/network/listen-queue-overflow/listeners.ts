import { parseCount } from '../../../linux/units.ts';
import type { Listener } from '../../../observe/observation.ts';
import type { ListenQueueFacts } from './case.ts';

/** sk_acceptq_is_full(): one more than the limit fits. */
export const isFull = ({ queued, backlog }: Listener): boolean => backlog.present && queued > backlog.value;

/** Unknown: nobody who was looked at holds the socket. */
export function ownerOf(
  { processes }: ListenQueueFacts,
  { process }: Listener,
): 'this container' | 'another container' | 'unknown' {
  if (process === null || !processes.present) return 'unknown';
  return processes.value.some(({ pid }) => pid === process) ? 'this container' : 'another container';
}

export type ActingLimit =
  | { readonly by: 'somaxconn' | 'program' | 'earlier-somaxconn'; readonly somaxconn: number }
  | { readonly by: 'unknown' };

/** listen() takes the smaller of its argument and somaxconn, once: a later somaxconn does not reach the socket. */
export function limitThatActs(
  { containerSysctls }: ListenQueueFacts,
  { backlog }: Pick<Listener, 'backlog'>,
): ActingLimit {
  const somaxconn = containerSysctls.present
    ? parseCount(containerSysctls.value['net.core.somaxconn'])
    : undefined;
  if (somaxconn === undefined || !backlog.present) return { by: 'unknown' };
  if (backlog.value === somaxconn) return { by: 'somaxconn', somaxconn };
  return { by: backlog.value < somaxconn ? 'program' : 'earlier-somaxconn', somaxconn };
}
