import type { RuleOf } from '../../../diagnose/case.ts';
import { runsShell, sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, type Fix, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { saySignalMask } from '../../../diagnose/wording.ts';
import { mapReading, orElse } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { type Disposition, dispositionOf, terminate } from './disposition.ts';

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
      claim: 'Its first process is not PID 1 of a pid namespace: signals have their ordinary actions',
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
  const disposition = dispositionOf(init, facts.initSignals, children);
  const evidence = [isInit(init), ...maskEvidence(init)];
  switch (disposition.kind) {
    case 'unknown':
      return inconclusive(disposition.missing);
    case 'doubtful':
      return inconclusive({
        what: `what the SIGTERM handler of ${sayProgram(init)} does`,
        because: 'needs-trace',
        remedy: `glassbox trace signals pid:${init.pid} while it is told to stop; ${disposition.why}`,
      });
    case 'handled':
      return ruledOut(maskOf(init, 'SigCgt', 'caught', `Signals with a handler (${disposition.how})`));
    case 'fetched':
      return ruledOut({
        claim: `SIGTERM is fetched by ${disposition.by}: it needs no handler`,
        source: `/proc/${init.pid}/task/*/wchan, /proc/${init.pid}/fdinfo/*`,
        observed: sayFetching(facts.initSignals),
      });
    default:
      return found({
        severity: 'warning',
        certainty: certaintyOf(disposition, facts),
        summary: summaryOf(disposition, init, orElse(children, [])),
        evidence: disposition.kind === 're-raised' ? [...evidence, oneShotHandler] : evidence,
        excluded: excludedBy(facts),
        fixes: fixesFor(facts.container, init),
        trace: 'signals',
      });
  }
};

type RuleFacts = Parameters<typeof rule>[0];
type Lost = Extract<Disposition, { kind: 'default' | 'ignored' | 'blocked' | 're-raised' }>;

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

function summaryOf(disposition: Lost, init: ProcessFacts, children: readonly ProcessFacts[]): string {
  const who = `PID 1 (${sayProgram(init)})`;
  const reason = {
    default: `${who} has no handler for SIGTERM, and the kernel drops signals with the default action when they are for PID 1 of a pid namespace.`,
    ignored: `${who} ignores SIGTERM.`,
    're-raised': `${who} has no SIGTERM listener, only Node's own handler, which is taken away as it runs and raises the signal again for the default action; the kernel drops that for PID 1 of a pid namespace.`,
    blocked: `${who} blocks SIGTERM, has no handler for it, and nothing in it fetches the signal${disposition.kind === 'blocked' && disposition.pending ? ': one is pending now' : ''}.`,
  }[disposition.kind];
  const [child] = children;
  const waiting =
    runsShell(init) && child !== undefined
      ? ` The shell does not pass it on to ${sayProgram(child)} either.`
      : '';
  return `${reason}${waiting} A stop takes the whole grace period and then kills everything with SIGKILL, so nothing in the container can clean up. From inside, not even \`kill -9 1\` works.`;
}

const sayFetching = (fetching: RuleFacts['initSignals']): string =>
  fetching.present
    ? `${fetching.value.waitChannels.join(', ')}; signalfd mask ${saySignalMask(fetching.value.descriptorSignals)}`
    : fetching.what;

const isInit = (init: ProcessFacts): Evidence => ({
  claim: 'It is PID 1 of its pid namespace (the last number)',
  source: `/proc/${init.pid}/status NSpid`,
  observed: init.status.namespacePids.join(' '),
});

const oneShotHandler: Evidence = {
  claim: "Its SIGTERM handler is Node's own: installed for one run only",
  source: 'task_struct.sighand->action[14].sa.sa_flags, by the BPF iterator signal_actions',
  observed: 'SA_RESETHAND (0x80000000)',
};

const maskEvidence = (init: ProcessFacts): readonly Evidence[] => [
  maskOf(init, 'SigCgt', 'caught', 'Signals with a handler'),
  maskOf(init, 'SigIgn', 'ignored', 'Signals that it ignores'),
  maskOf(init, 'SigBlk', 'blocked', 'Signals that it blocks'),
  ...(init.status.signals.sharedPending.length > 0
    ? [maskOf(init, 'ShdPnd', 'sharedPending', 'Signals that wait to be fetched')]
    : []),
];

/** As the kernel prints it, with what it means for SIGTERM, which is the 15th bit: 0x4000. */
function maskOf(
  init: ProcessFacts,
  line: string,
  set: keyof ProcessFacts['status']['signals'],
  claim: string,
): Evidence {
  const signals = init.status.signals[set];
  return {
    claim: `${claim}: SIGTERM (bit 15, 0x4000) ${signals.includes(terminate) ? 'is' : 'is not'} among them`,
    source: `/proc/${init.pid}/status ${line}`,
    observed: saySignalMask(signals),
  };
}

function excludedBy({ init, initSignals, freezer }: RuleFacts): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (initSignals.present && initSignals.value.waitChannels.length > 0)
    evidence.push({
      claim: 'Not an init that fetches its signals: no thread in sigwait(), no signalfd for SIGTERM',
      source: `/proc/${init.pid}/task/*/wchan, /proc/${init.pid}/fdinfo/*`,
      observed: sayFetching(initSignals),
    });
  if (init.status.state !== 'D' && init.status.state !== 'T')
    evidence.push({
      claim: 'Not stuck in the kernel and not stopped: it could take a signal at any time',
      source: `/proc/${init.pid}/status State`,
      observed: init.status.state,
    });
  if (freezer.present && freezer.value.own.last.state === 'thawed')
    evidence.push({
      claim: 'Not frozen: a frozen cgroup would keep every signal waiting',
      source: freezer.value.own.directory,
      observed: 'thawed',
    });
  return evidence;
}

function fixesFor(container: RuleFacts['container'], init: ProcessFacts): readonly Fix[] {
  const withInit =
    container.pod === null
      ? 'Start it again with an init as PID 1: docker run --init (podman too), `init: true` in compose, tini anywhere else'
      : 'Put an init such as tini in front of the command in the image, or set shareProcessNamespace: true on the pod';
  return [
    {
      action: withInit,
      effect: 'The init handles SIGTERM, passes it on, and collects ended children',
      risk: 'The container must be started again; the program itself runs as PID 2 or higher then',
    },
    ...(runsShell(init)
      ? [
          {
            action:
              'Let the program take the place of the shell: `exec program` as the last line, or the exec form CMD ["program"]',
            effect: 'SIGTERM goes to the program instead of a shell that only waits',
            risk: 'The program is PID 1 itself then and needs a handler',
          },
        ]
      : []),
    {
      action:
        "Handle SIGTERM in the program: process.on('SIGTERM', …) in Node, signal.Notify in Go, trap in a shell",
      effect: 'A stop takes as long as the clean-up does, not the grace period',
      risk: 'The handler must end the process: a caught signal has no other effect',
    },
    {
      action: 'To end it now, without waiting, from the host',
      command: `kill -KILL ${init.pid}`,
      effect: 'SIGKILL from an ancestor pid namespace is the one signal that PID 1 cannot refuse',
      risk: 'Every process of the container dies at once; nothing is saved',
    },
  ];
}
