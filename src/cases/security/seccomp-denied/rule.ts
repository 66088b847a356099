import type { RuleOf } from '../../../diagnose/case.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import { capabilityName } from '../../../linux/capabilities.ts';
import { errnoName } from '../../../linux/errno.ts';
import { orElse } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { SeccompLog } from '../../../observe/seccomp-log.ts';
import type { DeniedCall } from '../../../trace/instruments/seccomp/result.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { endOf, ends, type Logged, loggedEvidence, refusedIn, sayEnded, sayLogged } from './log.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const log = orElse(facts.seccompLog, nothingLogged);
  if (facts.container.state === 'exited') return judgeEnd(facts, log);
  if (!facts.init.present)
    return inconclusive({ what: facts.init.what, because: facts.init.because, remedy: facts.init.remedy });
  const processes = [facts.init.value, ...orElse(facts.processes, [])];
  const filtered = processes.find(({ status }) => orElse(status.seccomp, 0) !== 0);
  const trace = tracedBy(facts.traced, 'seccomp');
  const denied = trace.present ? trace.value.denied : [];
  const refused = denied.filter(each => !isFallback(each));
  const logged = refusedIn(log.own);
  if (refused.length > 0 || logged.length > 0) return foundIn(facts, refused, logged, filtered);
  if (filtered === undefined && denied.length === 0)
    return ruledOut(noFilter(facts.init.value, new Set(processes.map(({ pid }) => pid)).size));
  if (!trace.present)
    return inconclusive({
      what: `${trace.what}${sayEnded(log)}`,
      because: trace.because,
      remedy: trace.remedy,
    });
  return ruledOut(nothingRefused(trace.value.seconds), ...denied.slice(0, most).map(fallbackEvidence));
};

const nothingLogged: SeccompLog = { own: [], ended: [] };

function foundIn(
  facts: RuleFacts,
  refused: readonly DeniedCall[],
  logged: readonly Logged[],
  filtered: ProcessFacts | undefined,
): Verdict {
  const trace = tracedBy(facts.traced, 'seccomp');
  const harsh = refused.some(({ answer }) => answer.kind !== 'error') || logged.some(ends);
  const hurts =
    refused.some(each => !isTolerated(each)) || logged.some(({ last }) => !tolerated.has(last.call));
  return found({
    severity: harsh ? 'critical' : hurts ? 'warning' : 'notice',
    certainty: 'proved',
    summary:
      trace.present && refused.length > 0
        ? summaryOf(refused, trace.value.seconds)
        : `By the kernel log its seccomp filter answered ${sayLogged(logged)}, before the kernel looked at the call: neither uid 0 nor a capability would help.`,
    evidence: [
      ...refused.slice(0, most).map(deniedEvidence),
      ...logged.slice(0, most).map(loggedEvidence),
      ...(filtered === undefined ? [] : [modeEvidence(filtered)]),
    ],
    excluded: [
      ...(trace.present ? trace.value.denied : []).filter(isFallback).slice(0, most).map(fallbackEvidence),
      ...capabilityEvidence(facts, refused),
    ],
    fixes: fixesFor(facts.container, [...refused, ...logged.map(({ last }) => last)]),
    trace: 'seccomp',
  });
}

/** A container that is gone left what the engine and the kernel log keep. */
function judgeEnd({ container }: RuleFacts, log: SeccompLog): Verdict {
  const records = endOf(container, log);
  if (records === null)
    return inconclusive({
      what: `what a filter refused${sayEnded(log)}`,
      because: 'vanished',
      remedy: 'the container has exited; start it again and look while it runs',
    });
  const logged = refusedIn(records);
  return found({
    severity: 'critical',
    certainty: 'likely',
    summary: `Its PID 1 was ended by SIGSYS, which is what a seccomp filter punishes with.${logged.length === 0 ? ' The kernel log does not say for which call.' : ` At that moment the kernel log has ${sayLogged(logged)}.`}`,
    evidence: [
      {
        claim: 'It ended by signal 31, SIGSYS',
        source: "the engine's record of the exit",
        observed: `${container.exit?.code ?? '?'}`,
      },
      ...logged.map(loggedEvidence),
    ],
    excluded: [],
    fixes: fixesFor(
      container,
      logged.map(({ last }) => last),
    ),
    trace: 'seccomp',
  });
}

const most = 8;

/** ENOSYS is how a filter says "this kernel is older than you think": libraries then take the older call. */
const isFallback = ({ answer }: DeniedCall): boolean =>
  answer.kind === 'error' && errnoName(answer.errno) === 'ENOSYS';

/** Docker's own profile refuses these, and whoever asks has another way: a wish for memory placement, a faster queue. */
const tolerated: ReadonlySet<string> = new Set(
  'add_key get_mempolicy io_uring_setup io_uring_enter io_uring_register keyctl mbind move_pages perf_event_open request_key set_mempolicy'.split(
    ' ',
  ),
);
const isTolerated = ({ answer, call }: DeniedCall): boolean => answer.kind === 'error' && tolerated.has(call);

const sayAnswer = ({ answer }: DeniedCall): string =>
  answer.kind === 'error'
    ? errnoName(answer.errno)
    : answer.kind === 'signal'
      ? 'SIGSYS'
      : 'the end of the process';

const named = 3;

function summaryOf(refused: readonly DeniedCall[], seconds: number): string {
  const said = refused
    .slice(0, named)
    .map(
      each =>
        `${each.call}() of "${each.program}" with ${sayAnswer(each)}${each.count > 1 ? `, ${each.count} times` : ''}`,
    );
  const more = refused.length - said.length;
  return `In ${seconds.toFixed(1)} s its seccomp filter answered ${[...said, ...(more > 0 ? [`${more} more`] : [])].join('; ')}, before the kernel looked at the call: neither uid 0 nor a capability would help.`;
}

const deniedEvidence = (each: DeniedCall): Evidence => ({
  claim:
    each.answer.kind === 'error'
      ? 'A call that ended without having begun'
      : 'A call that the filter punished',
  source: each.answer.kind === 'error' ? 'tracepoints sys_enter, sys_exit' : 'tracepoint signal_generate',
  observed: `${each.call} ${sayAnswer(each)} ×${each.count}, ${each.program} (${each.inside})`,
});

const fallbackEvidence = (each: DeniedCall): Evidence => ({
  claim: 'Answered ENOSYS, on which programs use another call',
  source: 'tracepoints sys_enter, sys_exit',
  observed: `${each.call} ×${each.count}, ${each.program}`,
});

const modeEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'It runs under a seccomp filter',
  source: `/proc/${pid}/status Seccomp`,
  observed: `${orElse(status.seccomp, 0)}`,
});

const noFilter = ({ pid }: ProcessFacts, count: number): Evidence => ({
  claim: `None of its ${sayCount(count, 'process', 'processes')} has a filter`,
  source: `/proc/${pid}/status Seccomp`,
  observed: '0',
});

const nothingRefused = (seconds: number): Evidence => ({
  claim: `The filter refused no call in ${seconds.toFixed(1)} s`,
  source: 'tracepoints sys_enter, sys_exit',
  observed: '0 calls without a beginning',
});

/** The other thing that makes root fail with EPERM: whether a capability was denied in one of these calls. */
function capabilityEvidence({ traced }: RuleFacts, refused: readonly DeniedCall[]): readonly Evidence[] {
  const trace = tracedBy(traced, 'capabilities');
  if (!trace.present) return [];
  const calls = new Set(refused.map(({ call }) => call));
  const same = trace.value.asked.filter(row => row.refused > 0 && calls.has(row.call));
  const [first] = same;
  return [
    first === undefined
      ? {
          claim: 'Not a missing capability: none was denied in these calls',
          source: 'tracepoint cap_capable',
          observed: '0 denied',
        }
      : {
          claim: 'A capability was denied in such a call as well',
          source: 'tracepoint cap_capable',
          observed: `${capabilityName(first.capability)} in ${first.call}, ${first.program}`,
        },
  ];
}
