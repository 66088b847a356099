import { type Absent, absent, type Reading } from '../linux/reading.ts';
import { saySignal } from '../linux/signals.ts';
import type { ProcessFacts, SignalFetching } from '../observe/observation.ts';
import { runsNode, runsShell } from './program.ts';

/** SIGTERM, unless the image or whoever made the container chose another. */
export const usualStopSignal = 15;

/**
 * What becomes of the stop signal at a PID 1, as far as /proc tells. A blocked signal is queued whatever its action is; of
 * the others an ignored one and, for PID 1 alone, one with the default action are dropped (kernel/signal.c,
 * sig_ignored).
 */
export type Disposition =
  /** No handler: the default action does not exist for PID 1. */
  | { readonly kind: 'default' }
  | { readonly kind: 'ignored' }
  /** Queued for somebody to fetch, and nobody does. `pending`: one lies there now. */
  | { readonly kind: 'blocked'; readonly pending: boolean }
  | { readonly kind: 'fetched'; readonly by: string }
  | { readonly kind: 'handled'; readonly how: string }
  /** Caught, by a runtime's own handler, which is taken away as it runs and raises the signal again: then as default. */
  | { readonly kind: 're-raised' }
  /** Caught, by a handler that may do nothing in the end. */
  | { readonly kind: 'doubtful'; readonly why: string }
  | { readonly kind: 'unknown'; readonly missing: Extract<Reading<never>, { present: false }> };

export function dispositionOf(
  init: ProcessFacts,
  fetching: Reading<SignalFetching>,
  children: Reading<readonly ProcessFacts[]>,
  signal: number,
): Disposition {
  const { signals } = init.status;
  if (signals.caught.includes(signal)) return caughtSignal(init, fetching, children, signal);
  const { pending, sharedPending } = signals;
  if ([...pending, ...sharedPending].includes(signal)) return { kind: 'blocked', pending: true };
  if (waitsForSignals(fetching)) return { kind: 'fetched', by: 'a thread in sigwait()' };
  if (isBetweenWaits(init, fetching)) return { kind: 'unknown', missing: aboutToRun(init) };
  if (signals.blocked.includes(signal)) return blockedSignal(fetching, signal);
  return signals.ignored.includes(signal) ? { kind: 'ignored' } : { kind: 'default' };
}

/**
 * tini and dumb-init. While a thread sits in there the kernel unblocks the signals it waits for, so SigBlk does not
 * show them (kernel/signal.c, do_sigtimedwait keeps the true mask in real_blocked).
 */
const waitsForSignals = (fetching: Reading<SignalFetching>): boolean =>
  fetching.present && fetching.value.waitChannels.includes('do_sigtimedwait');

/**
 * No thread of it slept when it was looked at: an init in sigwait() that has just been woken looks like that, with
 * masks of either kind. One that really computes runs for longer at a time than it takes to reap a child.
 */
function isBetweenWaits({ scheduler }: ProcessFacts, fetching: Reading<SignalFetching>): boolean {
  if (!fetching.present || fetching.value.waitChannels.length > 0) return false;
  if (!scheduler.present) return true;
  const { first, last } = scheduler.value;
  return last.running - first.running < longSlice * Math.max(1, last.timeslices - first.timeslices);
}

/** Microseconds on a CPU at a time. */
const longSlice = 500;

const aboutToRun = ({ pid }: ProcessFacts): Absent =>
  absent(`what process ${pid} waits in`, 'vanished', 'it was running when it was looked at; look again');

function blockedSignal(fetching: Reading<SignalFetching>, signal: number): Disposition {
  if (!fetching.present) return { kind: 'unknown', missing: fetching };
  return fetching.value.descriptorSignals.includes(signal)
    ? { kind: 'fetched', by: 'a signalfd' }
    : { kind: 'blocked', pending: false };
}

/**
 * SigCgt says that a handler is there, not what it does. Two well-known handlers end in nothing at PID 1: Node's
 * own, which restores the terminal and raises the signal again with the default action; and a shell's trap, which
 * waits until the foreground command has ended.
 */
function caughtSignal(
  init: ProcessFacts,
  fetching: Reading<SignalFetching>,
  children: Reading<readonly ProcessFacts[]>,
  signal: number,
): Disposition {
  if (runsNode(init)) return nodesSignal(fetching, signal);
  if (!runsShell(init)) return { kind: 'handled', how: 'a handler of its own' };
  if (children.present && children.value.length === 0)
    return { kind: 'handled', how: 'a shell trap, no child' };
  const waits = fetching.present ? fetching.value.waitChannels : [];
  if (waits.includes('sigsuspend')) return { kind: 'handled', how: 'a shell trap, in `wait`' };
  return {
    kind: 'doubtful',
    why: 'a shell runs its trap only after the command in the foreground, or at once in `wait`: masks do not tell which',
  };
}

/** Node's own handler is installed with SA_RESETHAND (src/node.cc), a listener's by libuv without it. */
function nodesSignal(fetching: Reading<SignalFetching>, signal: number): Disposition {
  const oneShot = fetching.present ? fetching.value.oneShotSignals : fetching;
  if (!oneShot.present)
    return {
      kind: 'doubtful',
      why: `Node's own ${saySignal(signal)} handler, which ends in nothing at PID 1, and a process.on('${saySignal(signal)}') listener look the same in SigCgt`,
    };
  return oneShot.value.includes(signal)
    ? { kind: 're-raised' }
    : { kind: 'handled', how: "a listener, not Node's own" };
}
