import type { RuleOf } from '../../../diagnose/case.ts';
import { usualStopSignal } from '../../../diagnose/disposition.ts';
import { runsShell, sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { sayCount, saySignalMask } from '../../../diagnose/wording.ts';
import { saySignal } from '../../../linux/signals.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { handlersOf, isRuntimesHandler, predictStop, type Stop } from './stop.ts';

type Ends = Extract<Stop, { kind: 'trap-ends' | 'child-ends' }>;

export const rule: RuleOf<typeof definition> = ({ container, init, initSignals, processes }) => {
  const signal = container.stopSignal ?? usualStopSignal;
  const name = saySignal(signal);
  if (init.status.namespacePids.at(-1) !== 1)
    return ruledOut({
      claim: 'Not PID 1 of a pid namespace: nothing dies with it',
      source: `/proc/${init.pid}/status NSpid`,
      observed: init.status.namespacePids.join(' '),
    });

  const others = processes.filter(({ pid, status }) => pid !== init.pid && !'ZX'.includes(status.state));
  const stop = predictStop(init, initSignals, others, signal);
  const first = stop.kind === 'trap-ends' || stop.kind === 'child-ends' ? stop.process.pid : init.pid;
  const handlers = handlersOf(others, signal).filter(({ pid }) => pid !== first);
  if (handlers.length === 0) return ruledOut(nobody(init, others.length, name));

  switch (stop.kind) {
    case 'not-known':
      return inconclusive(stop.missing);
    case 'goes-on':
      return ruledOut({
        claim: `${name} does not end PID 1: nothing is lost by its end`,
        source: `/proc/${init.pid}/status SigCgt`,
        observed: saySignalMask(init.status.signals.caught),
      });
    case 'careful':
      return ruledOut({
        claim: `On ${name}, ${stop.why}`,
        source: `/proc/${stop.process.pid}/${stop.trap === undefined ? 'status SigCgt' : 'cmdline'}`,
        observed: stop.trap?.action ?? saySignalMask(stop.process.status.signals.caught),
      });
    case 'opaque':
      return opaque(init, handlers, name);
    default: {
      const lost = handlers.filter(process => !isRuntimesHandler(process));
      return lost.length === 0 ? onlyRuntimes(handlers, name) : loses(stop, lost);
    }
  }

  function loses(ends: Ends, lost: readonly ProcessFacts[]): Verdict {
    return found({
      severity: 'warning',
      certainty: 'likely',
      summary: `${howItEnds(ends, init, name)} With PID 1 ends the pid namespace, and the kernel kills all others in it with SIGKILL: ${sayCount(lost.length, 'process', 'processes')} with a handler for ${name} will not get to finish it (${sayProgram(lost[0] ?? init)}${lost.length > 1 ? ', …' : ''}).`,
      evidence: [
        ...endsEvidence(ends, init, name, signal),
        ...lost.slice(0, 3).map(handler => handlerEvidence(handler, name)),
      ],
      excluded: [
        {
          claim: `Not deaf to ${name}: PID 1 gets the signal`,
          source: `/proc/${init.pid}/status SigCgt; /proc/${init.pid}/wchan`,
          observed: `${saySignalMask(init.status.signals.caught)}; ${initSignals.present ? initSignals.value.waitChannels.join(', ') : 'not readable'}`,
        },
      ],
      fixes: fixesFor(container, ends, name),
      trace: 'signals',
    });
  }
};

function howItEnds(ends: Ends, init: ProcessFacts, name: string): string {
  const who =
    ends.process.pid === init.pid
      ? `PID 1 (${sayProgram(init)})`
      : `${sayProgram(ends.process)}, for which PID 1 waits,`;
  if (ends.kind === 'child-ends')
    return `PID 1 (${sayProgram(init)}) passes ${name} to its first child alone, ${sayProgram(ends.process)}, which has no handler and ends at once, and PID 1 with it.`;
  return ends.trap.effect === 'tells-nobody'
    ? `On ${name} ${who} ends at once, without telling its children.`
    : `On ${name} ${who} tells its children and ends at once, without waiting for them.`;
}

function endsEvidence(ends: Ends, init: ProcessFacts, name: string, signal: number): readonly Evidence[] {
  if (ends.kind === 'child-ends')
    return [
      {
        claim: `PID 1 is an init that ends with its first child`,
        source: `/proc/${init.pid}/cmdline`,
        observed: sayProgram(init),
      },
      {
        claim: `That child has no handler for ${name} (bit ${signal})`,
        source: `/proc/${ends.process.pid}/status SigCgt, SigIgn, SigBlk`,
        observed: [
          ends.process.status.signals.caught,
          ends.process.status.signals.ignored,
          ends.process.status.signals.blocked,
        ]
          .map(saySignalMask)
          .join(', '),
      },
    ];
  return [
    {
      claim:
        ends.trap.effect === 'tells-nobody'
          ? `The trap for ${name} ends the shell and tells nobody`
          : `The trap for ${name} ends the shell without a wait`,
      source: `/proc/${ends.process.pid}/cmdline`,
      observed: `trap '${ends.trap.action}'`,
    },
  ];
}

const handlerEvidence = ({ pid, status }: ProcessFacts, name: string): Evidence => ({
  claim: `${status.name} has a handler for ${name}`,
  source: `/proc/${pid}/status SigCgt`,
  observed: saySignalMask(status.signals.caught),
});

const nobody = (init: ProcessFacts, count: number, name: string): Evidence => ({
  claim: `No other process has a handler for ${name} that could be cut off`,
  source: `/proc/<pid>/status SigCgt, of all but ${init.pid}`,
  observed: sayCount(count, 'process', 'processes'),
});

/** A server with workers of its own kind looks after them; of anything else the masks do not tell. */
function opaque(init: ProcessFacts, handlers: readonly ProcessFacts[], name: string): Verdict {
  const strangers = handlers.filter(
    ({ executable }) => runsShell(init) || !isSame(executable, init.executable),
  );
  const [stranger] = strangers;
  if (stranger === undefined)
    return ruledOut({
      claim: `Those with a handler for ${name} are PID 1's own workers`,
      source: '/proc/<pid>/exe',
      observed: init.executable.present ? init.executable.value : sayProgram(init),
    });
  return inconclusive({
    what: `whether ${sayProgram(init)} waits for ${sayProgram(stranger)} when it is stopped`,
    because: 'needs-trace',
    remedy: `stop it once while the tracepoint signal:signal_generate is on: sig=9 code=128 to ${stranger.pid} means that it was killed by the end of PID 1`,
  });
}

const isSame = (a: ProcessFacts['executable'], b: ProcessFacts['executable']): boolean =>
  a.present && b.present && a.value === b.value;

const onlyRuntimes = ([process]: readonly ProcessFacts[], name: string): Verdict =>
  inconclusive({
    what: `whether ${process === undefined ? 'it' : sayProgram(process)} has anything to do at a stop`,
    because: 'needs-trace',
    remedy: `its runtime catches ${name} for every program; look into the program, or stop it and see what is missing`,
  });
