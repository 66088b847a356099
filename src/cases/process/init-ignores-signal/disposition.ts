import { runsNode, runsShell } from '../../../diagnose/program.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { ProcessFacts, SignalFetching } from '../../../observe/observation.ts';

export const terminate = 15;

/**
 * What becomes of SIGTERM at a PID 1, as far as /proc tells. A blocked signal is queued whatever its action is; of
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
): Disposition {
  const { signals } = init.status;
  if (signals.caught.includes(terminate)) return caughtSignal(init, fetching, children);
  const { pending, sharedPending } = signals;
  if ([...pending, ...sharedPending].includes(terminate)) return { kind: 'blocked', pending: true };
  if (waitsForSignals(fetching)) return { kind: 'fetched', by: 'a thread in sigwait()' };
  if (signals.blocked.includes(terminate)) return blockedSignal(fetching);
  return signals.ignored.includes(terminate) ? { kind: 'ignored' } : { kind: 'default' };
}

/**
 * tini and dumb-init. While a thread sits in there the kernel unblocks the signals it waits for, so SigBlk does not
 * show them (kernel/signal.c, do_sigtimedwait keeps the true mask in real_blocked).
 */
const waitsForSignals = (fetching: Reading<SignalFetching>): boolean =>
  fetching.present && fetching.value.waitChannels.includes('do_sigtimedwait');

function blockedSignal(fetching: Reading<SignalFetching>): Disposition {
  if (!fetching.present) return { kind: 'unknown', missing: fetching };
  return fetching.value.descriptorSignals.includes(terminate)
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
): Disposition {
  if (runsNode(init)) return nodesSignal(fetching);
  if (!runsShell(init)) return { kind: 'handled', how: 'the program has a handler of its own' };
  if (children.present && children.value.length === 0)
    return { kind: 'handled', how: 'a shell with a trap and no command to wait for' };
  const waits = fetching.present ? fetching.value.waitChannels : [];
  if (waits.includes('sigsuspend'))
    return { kind: 'handled', how: 'a shell with a trap that waits in `wait`, which a signal ends' };
  return {
    kind: 'doubtful',
    why: 'a shell runs its trap only after the command in the foreground has ended; masks do not tell whether it waits in the foreground or in `wait`',
  };
}

/** Node's own handler is installed with SA_RESETHAND (src/node.cc), a listener's by libuv without it. */
function nodesSignal(fetching: Reading<SignalFetching>): Disposition {
  const oneShot = fetching.present ? fetching.value.oneShotSignals : fetching;
  if (!oneShot.present)
    return {
      kind: 'doubtful',
      why: "Node catches SIGTERM itself and raises it again with the default action, which PID 1 does not have; a process.on('SIGTERM') listener looks the same in SigCgt",
    };
  return oneShot.value.includes(terminate)
    ? { kind: 're-raised' }
    : { kind: 'handled', how: "a process.on('SIGTERM') listener: the handler is not Node's own one-shot" };
}
