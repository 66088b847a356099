import { parseCount } from '../../../linux/units.ts';
import type { Listener, ProcessFacts } from '../../../observe/observation.ts';
import type { ListenQueueFacts } from './case.ts';

/** sk_acceptq_is_full(): one more than the limit fits. */
export const isFull = ({ queued, backlog }: Listener): boolean => backlog.present && queued > backlog.value;

/** Unknown: nobody was found who holds the socket. */
export function ownerOf(
  { processes }: ListenQueueFacts,
  { process }: Listener,
): 'this container' | 'somebody else' | 'unknown' {
  if (process === null || !processes.present) return 'unknown';
  return processes.value.some(({ pid }) => pid === process) ? 'this container' : 'somebody else';
}

/** The process of this container that holds the socket. */
export const holderOf = ({ processes }: ListenQueueFacts, { process }: Listener): ProcessFacts | undefined =>
  processes.present ? processes.value.find(({ pid }) => pid === process) : undefined;

/** Why a process cannot accept anything, whatever its queue; undefined when it runs or sleeps as usual. */
export function sayStopped({ status }: ProcessFacts): string | undefined {
  if (status.state === 'T') return 'is stopped by a signal';
  if (status.state === 't') return 'is stopped by a debugger';
  return status.state === 'D' ? 'is stuck in the kernel' : undefined;
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
