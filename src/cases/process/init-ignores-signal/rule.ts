import type { RuleOf } from '../../../diagnose/case.ts';
import { type Disposition, dispositionOf, usualStopSignal } from '../../../diagnose/disposition.ts';
import { runsNode, runsShell, sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { saySignalMask } from '../../../diagnose/wording.ts';
import { mapReading, orElse } from '../../../linux/reading.ts';
import { saySignal } from '../../../linux/signals.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type SeenSignals, seenSignals } from './seen.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const { init } = facts;
  const statusFile = `/proc/${init.pid}/status`;
  const place = init.status.namespacePids.at(-1);
  if (place === undefined)
    return inconclusive({
      what: `${statusFile} NSpid`,
      because: 'kernel-too-old',
      remedy: 'the line needs Linux 4.1; look from inside: ps -p 1',
    });
  if (place !== 1)
    return ruledOut({
      claim: 'Not PID 1 of a pid namespace: signals act as usual',
      source: `${statusFile} NSpid`,
      observed: init.status.namespacePids.join(' '),
    });
  if (init.status.state === 'Z' || init.status.state === 'X')
    return inconclusive({
      what: `the signal masks of process ${init.pid}`,
      because: 'vanished',
      remedy: 'PID 1 has just ended; look again when it runs',
    });

  const children = mapReading(facts.processes, all =>
    all.filter(({ status }) => status.parent === init.pid && status.state !== 'Z'),
  );
  const signal = stopSignalOf(facts);
  const seen = seenSignals(facts.traced, init.pid, signal);
  const masks = dispositionOf(init, facts.initSignals, children, signal);
  const disposition = seen === undefined ? masks : corrected(masks, seen, runsNode(init));
  switch (disposition.kind) {
    case 'taken':
      return ruledOut(disposition.evidence);
    case 'unknown':
      return inconclusive(disposition.missing);
    case 'doubtful':
      return inconclusive({
        what: `what the ${saySignal(signal)} handler of ${sayProgram(init)} does`,
        because: 'needs-trace',
        remedy: `${disposition.why}. Stop it while glassbox diagnose --deep ${facts.container.name} looks: a dropped signal is seen, or that the stop takes the whole grace period`,
      });
    case 'handled':
      return ruledOut({
        ...maskOf(init, 'SigCgt', 'caught', signal),
        claim: handled(signal, disposition.how),
      });
    case 'fetched':
      return ruledOut({
        claim: `${saySignal(signal)} is fetched by ${disposition.by}: it needs no handler`,
        source: `/proc/${init.pid}/task/*/wchan, /proc/${init.pid}/fdinfo/*`,
        observed: sayFetching(facts.initSignals),
      });
    default:
      return found({
        severity: 'warning',
        certainty: wasSeen(disposition, seen) ? 'proved' : certaintyOf(disposition, facts),
        summary: summaryOf(disposition, init, orElse(children, []), signal),
        evidence: [
          isInit(init),
          ...maskEvidence(init, signal),
          ...(disposition.kind === 're-raised' && facts.initSignals.present ? [oneShotHandler(signal)] : []),
          ...(seen === undefined ? [] : [seen.evidence]),
        ],
        excluded: excludedBy(facts, signal),
        fixes: fixesFor(facts.container, init, signal),
        trace: 'signals',
      });
  }
};

/**
 * What was seen settles what masks left open. Node's handler gets the signal first, so one that was queued says nothing
 * of it, nor of a shell's trap; a dropped one settles both.
 */
function corrected(
  masks: Disposition,
  seen: SeenSignals,
  isNode: boolean,
): Disposition | { readonly kind: 'taken'; readonly evidence: Evidence } {
  const open = masks.kind === 'default' || masks.kind === 'ignored' || masks.kind === 'unknown';
  if (seen.act === 'taken' && open) return { kind: 'taken', evidence: seen.evidence };
  if (seen.act === 'dropped' && masks.kind === 'unknown') return { kind: 'default' };
  if (seen.act === 'dropped' && masks.kind === 'doubtful' && isNode) return { kind: 're-raised' };
  return masks;
}

const wasSeen = ({ kind }: Lost, seen: SeenSignals | undefined): boolean =>
  seen?.act === 'dropped' || (seen?.act === 'not-fetched' && kind === 'blocked');

type RuleFacts = Parameters<typeof rule>[0];
type Lost = Extract<Disposition, { kind: 'default' | 'ignored' | 'blocked' | 're-raised' }>;

const stopSignalOf = ({ container }: RuleFacts): number => container.stopSignal ?? usualStopSignal;

const handled = (signal: number, how: string): string => `${saySignal(signal)} has a handler: ${how}`;

/**
 * A handler was seen, or a fetcher not seen: what becomes of the signal then is known, but only a trace shows it.
 * Without wait channels (a kernel that hides them) a thread in sigwait() would go unnoticed, too.
 */
function certaintyOf(disposition: Lost, { init, initSignals }: RuleFacts): 'proved' | 'likely' {
  if (disposition.kind === 're-raised') return 'likely';
  if (disposition.kind === 'blocked') return disposition.pending ? 'proved' : 'likely';
  const threadsSeen = initSignals.present && initSignals.value.waitChannels.length > 0;
  return threadsSeen || init.status.state === 'R' ? 'proved' : 'likely';
}

function summaryOf(
  disposition: Lost,
  init: ProcessFacts,
  children: readonly ProcessFacts[],
  signal: number,
): string {
  const who = `PID 1 (${sayProgram(init)})`;
  const name = saySignal(signal);
  const pending = disposition.kind === 'blocked' && disposition.pending;
  const reason = {
    default: `${who} has no handler for ${name}, so the kernel drops it: for PID 1 of a pid namespace there is no default action.`,
    ignored: `${who} ignores ${name}.`,
    're-raised': `${who} has only Node's own ${name} handler. It goes away as it runs and raises the signal again for the default action, which the kernel drops for PID 1.`,
    blocked: `${who} blocks ${name} and nothing in it fetches the signal${pending ? ': one is pending now' : ''}.`,
  }[disposition.kind];
  const [child] = children;
  const waiting =
    runsShell(init) && child !== undefined
      ? ` The shell does not pass it on to ${sayProgram(child)} either.`
      : '';
  return `${reason}${waiting} A stop lasts the whole grace period; then SIGKILL ends everything, and nothing can clean up.`;
}

const sayFetching = (fetching: RuleFacts['initSignals']): string =>
  fetching.present
    ? `${fetching.value.waitChannels.join(', ')}; signalfd mask ${saySignalMask(fetching.value.descriptorSignals)}`
    : fetching.what;

const isInit = (init: ProcessFacts): Evidence => ({
  claim: 'PID 1 of its pid namespace',
  source: `/proc/${init.pid}/status NSpid`,
  observed: init.status.namespacePids.join(' '),
});

const oneShotHandler = (signal: number): Evidence => ({
  claim: "The handler is Node's own: installed for one run",
  source: `sighand->action[${signal - 1}].sa.sa_flags, by the BPF iterator signal_actions`,
  observed: 'SA_RESETHAND (0x80000000)',
});

const maskEvidence = (init: ProcessFacts, signal: number): readonly Evidence[] => [
  maskOf(init, 'SigCgt', 'caught', signal),
  maskOf(init, 'SigIgn', 'ignored', signal),
  maskOf(init, 'SigBlk', 'blocked', signal),
  ...(init.status.signals.sharedPending.length > 0 ? [maskOf(init, 'ShdPnd', 'sharedPending', signal)] : []),
];

const words = {
  caught: ['A handler for', 'No handler for'],
  ignored: ['Ignored:', 'Not ignored:'],
  blocked: ['Blocked:', 'Not blocked:'],
  sharedPending: ['Pending:', 'Not pending:'],
} as const;

/** As the kernel prints it, with what it means for the signal: SIGTERM is the 15th bit, 0x4000. */
function maskOf(init: ProcessFacts, line: string, set: keyof typeof words, signal: number): Evidence {
  const signals = init.status.signals[set];
  const [is, isNot] = words[set];
  return {
    claim: `${signals.includes(signal) ? is : isNot} ${saySignal(signal)} (bit ${signal})`,
    source: `/proc/${init.pid}/status ${line}`,
    observed: saySignalMask(signals),
  };
}

function excludedBy({ init, initSignals, freezer }: RuleFacts, signal: number): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (initSignals.present && initSignals.value.waitChannels.length > 0)
    evidence.push({
      claim: `Not fetched: no thread in sigwait(), no signalfd for ${saySignal(signal)}`,
      source: `/proc/${init.pid}/task/*/wchan, /proc/${init.pid}/fdinfo/*`,
      observed: initSignals.value.waitChannels.join(', '),
    });
  if (init.status.state !== 'D' && init.status.state !== 'T')
    evidence.push({
      claim: 'Not stuck and not stopped: it could take a signal',
      source: `/proc/${init.pid}/status State`,
      observed: init.status.state,
    });
  if (freezer.present && freezer.value.own.last.state === 'thawed')
    evidence.push({
      claim: 'Not frozen',
      source: freezer.value.own.directory,
      observed: 'thawed',
    });
  return evidence;
}
