import type { RuleOf } from '../../../diagnose/case.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import {
  type Evidence,
  type Fix,
  found,
  inconclusive,
  ruledOut,
  type Severity,
  severities,
} from '../../../diagnose/verdict.ts';
import { saySignal } from '../../../linux/signals.ts';
import type { ExecResult } from '../../../trace/instruments/exec/result.ts';
import type { definition } from './case.ts';
import { findSurprises, type Kind, type Surprise } from './surprises.ts';

export const rule: RuleOf<typeof definition> = ({ container, traced }) => {
  const trace = tracedBy(traced, 'exec');
  if (!trace.present) return inconclusive({ what: trace.what, because: trace.because, remedy: trace.remedy });
  const surprises = findSurprises(trace.value, container.startedAt);
  const looked = lookedEvidence(trace.value);
  if (surprises.length === 0) return ruledOut(...looked);
  const [worst] = severities.filter(severity => surprises.some(each => severityOf(each) === severity));
  return found({
    severity: worst ?? 'notice',
    certainty: 'proved',
    summary: `In ${trace.value.seconds.toFixed(1)} s ${summaryOf(surprises)}.`,
    evidence: surprises.slice(0, most).map(evidenceOf),
    excluded: looked,
    fixes: fixesFor(surprises),
    trace: 'exec',
  });
};

/** Images are built in containers, too: a program that is new and lies where programs lie is worth knowing, no more. */
const severityOf = ({ kind, isTemporary }: Surprise): Severity =>
  kind === 'nameless' || (kind === 'fresh' && isTemporary) ? 'warning' : 'notice';

const most = 8;
const named = 3;

const said: Readonly<Record<Kind, string>> = {
  nameless: 'a program ran whose file has no name, in memory alone or deleted',
  fresh: 'a program ran that was written after the container had started',
  entered: 'somebody started a shell in it from outside, at a terminal',
  packages: 'a package manager ran, which makes it another one than its image',
};

const sayCommand = ({ first, file }: Surprise): string => {
  const line = [file, ...first.arguments.slice(1)].join(' ').replace(/\s+/g, ' ');
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
};

const sayParent = ({ first: { parent } }: Surprise): string =>
  parent === null
    ? 'started by nobody who was seen'
    : parent.inside === null
      ? `started by ${parent.name} from outside`
      : `started by "${parent.name}" (${parent.inside})`;

function summaryOf(surprises: readonly Surprise[]): string {
  const parts = surprises
    .slice(0, named)
    .map(
      each =>
        `${isInUpper(each) ? 'a program ran that the image has not, or has otherwise: it lies in the writable layer' : said[each.kind]}: "${sayCommand(each)}", uid ${each.first.uid ?? '?'}, ${sayParent(each)}${each.count > 1 ? `, ${each.count} times` : ''}`,
    );
  const more = surprises.length - parts.length;
  return [...parts, ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

const claims: Readonly<Record<Kind, string>> = {
  nameless: 'A program without a name ran (memfd, or deleted)',
  fresh: 'A program that was written or changed in the container ran',
  entered: 'A shell at a terminal, from outside',
  packages: 'A package manager ran',
};

const isInUpper = ({ kind, first }: Surprise): boolean =>
  kind === 'fresh' && first.program?.place === 'upper';

/** TMPFS_MAGIC of linux/magic.h. */
const tmpfs = 0x01021994;

function sayEnd({ ended }: Surprise): string {
  if (ended === null) return 'runs on';
  if (ended.kind === 'unknown') return 'ended';
  return ended.kind === 'exit' ? `exit ${ended.code}` : `ended by ${saySignal(ended.signal)}`;
}

const evidenceOf = (each: Surprise): Evidence => ({
  claim: claims[each.kind],
  source: 'tracepoint sched_process_exec',
  observed: [
    `pid ${each.first.inside ?? each.first.pid}`,
    `uid ${each.first.uid ?? '?'}`,
    ...(each.first.tty === null ? [] : [each.first.tty]),
    sayCommand(each),
    ...(each.first.program === undefined ? [] : [`${each.first.program.links} links`]),
    ...(each.kind === 'fresh' && each.first.program !== undefined
      ? [
          ...(isInUpper(each) ? ['in the upper layer of its overlay'] : []),
          ...(each.first.program.fileSystem === tmpfs ? ['in a tmpfs'] : []),
          `changed ${each.first.program.changedAt}`,
        ]
      : []),
    sayEnd(each),
    `×${each.count}`,
  ].join(', '),
});

/** Health checks are starts from outside without a terminal; they are counted, and nothing is said against them. */
function lookedEvidence({ execs, events, seconds, lost }: ExecResult): readonly Evidence[] {
  const starts = events.filter(event => event.kind === 'exec');
  const outside = starts.filter(({ parent }) => parent !== null && parent.inside === null).length;
  const seen = starts.filter(({ program }) => program !== undefined).length;
  return [
    {
      claim: `Programs started in ${seconds.toFixed(1)} s`,
      source: 'tracepoint sched_process_exec',
      observed: `${execs}${outside === 0 ? '' : `, ${outside} from outside (health checks, exec)`}`,
    },
    ...(seen === starts.length
      ? []
      : [
          {
            claim: 'Of some it was not seen which file ran',
            source: 'tracepoint sched_process_exec',
            observed: `${starts.length - seen} of ${starts.length}`,
          },
        ]),
    ...(execs > starts.length || lost > 0
      ? [
          {
            claim: 'Not all were looked at one by one',
            source: 'tracepoint sched_process_exec',
            observed: `${execs - starts.length + lost} more`,
          },
        ]
      : []),
  ];
}

function fixesFor(surprises: readonly Surprise[]): readonly Fix[] {
  const has = (...wanted: readonly Kind[]): boolean => surprises.some(({ kind }) => wanted.includes(kind));
  return [
    ...(has('nameless', 'fresh')
      ? [
          {
            action:
              'Find out who started it before you end it: glassbox trace exec; keep a copy by cp /proc/<pid>/exe',
            effect: 'What ran can be looked at after it has ended',
            risk: 'None; the copy is as dangerous as the program',
          },
        ]
      : []),
    ...(has('fresh')
      ? [
          {
            action:
              'Read-only root (--read-only, readOnlyRootFilesystem: true), and --tmpfs /tmp:noexec for what must be written',
            effect: 'Nothing that is written in there can be run',
            risk: 'Programs that write beside themselves, and build tools, fail with EROFS or EACCES',
          },
        ]
      : []),
    ...(has('nameless')
      ? [
          {
            action:
              'vm.memfd_noexec=2 in its pid namespace (Linux 6.3), or memfd_create left out of its seccomp profile',
            effect: 'Programs cannot be run from memory files',
            risk: 'Some runtimes make code through a memfd; they fail with EACCES then',
          },
        ]
      : []),
    ...(has('packages')
      ? [
          {
            action: 'Install when the image is built, and start a new container from it',
            effect: 'Every container of the image is the same, and what changed is in its history',
            risk: 'A build and a restart in place of one command',
          },
        ]
      : []),
    ...(has('entered')
      ? [
          {
            action: "Nothing, when you know who it was; the log of the engine's API names the client",
            effect: 'kubectl exec and docker exec look like this',
            risk: 'A shell in there sees its secrets in environment and files',
          },
        ]
      : []),
  ];
}
