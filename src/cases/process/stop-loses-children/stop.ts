import { dispositionOf } from '../../../diagnose/disposition.ts';
import { runsNode } from '../../../diagnose/program.ts';
import type { Reading } from '../../../linux/reading.ts';
import { present } from '../../../linux/reading.ts';
import type { ProcessFacts, SignalFetching } from '../../../observe/observation.ts';
import { readTrap, type Trap } from './traps.ts';

/** What PID 1 does with the stop signal, as far as it concerns the others. */
export type Stop =
  /** PID 1 does not end: another case. */
  | { readonly kind: 'goes-on' }
  | { readonly kind: 'not-known'; readonly missing: Extract<Reading<never>, { present: false }> }
  /** It looks after its children, and why that is thought. */
  | { readonly kind: 'careful'; readonly why: string; readonly process: ProcessFacts; readonly trap?: Trap }
  /** The shell that ends at once by its trap: PID 1 itself, or what a small init waits for. */
  | { readonly kind: 'trap-ends'; readonly process: ProcessFacts; readonly trap: Trap }
  /** A small init ends with its first child, and that one has no handler. */
  | { readonly kind: 'child-ends'; readonly process: ProcessFacts }
  /** A handler that cannot be looked into. */
  | { readonly kind: 'opaque' };

export function predictStop(
  init: ProcessFacts,
  fetching: Reading<SignalFetching>,
  others: readonly ProcessFacts[],
  signal: number,
): Stop {
  const children = others.filter(({ status }) => status.parent === init.pid);
  const disposition = dispositionOf(init, fetching, present(children), signal);
  switch (disposition.kind) {
    case 'default':
    case 'ignored':
    case 'blocked':
    case 're-raised':
      return { kind: 'goes-on' };
    case 'unknown':
      return { kind: 'not-known', missing: disposition.missing };
    case 'fetched':
      return isSmallInit(init) ? smallInit(children, signal) : { kind: 'opaque' };
    default:
      return shellStop(init, signal, disposition.kind === 'doubtful') ?? { kind: 'opaque' };
  }
}

/**
 * These pass the signal to their first child and end when it has ended, whatever else still runs. Not dumb-init,
 * which tells the whole session: what becomes of the others there is a race.
 */
const smallInits: ReadonlySet<string> = new Set([
  'tini',
  'tini-static',
  'docker-init',
  'podman-init',
  'catatonit',
]);

export const isSmallInit = ({ commandLine, executable }: ProcessFacts): boolean =>
  [commandLine[0], executable.present ? executable.value : undefined].some(
    path => path !== undefined && smallInits.has(path.slice(path.lastIndexOf('/') + 1)),
  );

function smallInit(children: readonly ProcessFacts[], signal: number): Stop {
  // Its own child is the oldest: the others are orphans that were given to it.
  const [main] = children.toSorted((a, b) => a.startTime - b.startTime);
  if (main === undefined) return { kind: 'opaque' };
  const { caught, ignored, blocked } = main.status.signals;
  if (caught.includes(signal))
    return (
      shellStop(main, signal, false) ?? {
        kind: 'careful',
        why: 'what PID 1 waits for has a handler',
        process: main,
      }
    );
  if (ignored.includes(signal) || blocked.includes(signal)) return { kind: 'goes-on' };
  return { kind: 'child-ends', process: main };
}

/** `inForeground`: it may wait for a command rather than in `wait`, and then the trap comes after that command. */
function shellStop(shell: ProcessFacts, signal: number, inForeground: boolean): Stop | undefined {
  const trap = readTrap(shell, signal);
  switch (trap?.effect) {
    case 'waits':
      return { kind: 'careful', why: 'the trap passes it on and waits', process: shell, trap };
    case 'tells-nobody':
    case 'does-not-wait':
      return inForeground && !trap.scriptWaits ? undefined : { kind: 'trap-ends', process: shell, trap };
    default:
      return undefined;
  }
}

/** Catching nearly everything is what Go's runtime does for every program, and Node's catches it too. */
export const isRuntimesHandler = (process: ProcessFacts): boolean =>
  runsNode(process) || process.status.signals.caught.length > 40;

/** Those with something to do at a stop: they have a handler for the signal. */
export const handlersOf = (others: readonly ProcessFacts[], signal: number): readonly ProcessFacts[] =>
  others.filter(({ status }) => status.signals.caught.includes(signal));
