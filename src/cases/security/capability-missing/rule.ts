import type { RuleOf } from '../../../diagnose/case.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import { capabilityName, holdsAll, sayMask } from '../../../linux/capabilities.ts';
import { orElse } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { classify, type Refusal } from './refusals.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { init, isolation, host, traced } = facts;
  const { effective } = init.status.capabilities;
  const trace = tracedBy(traced, 'capabilities');
  if (!trace.present)
    return isolation.userNamespaceIsHost && holdsAll(effective, host.capabilities)
      ? ruledOut(holdsEvery(init))
      : inconclusive({ what: trace.what, because: trace.because, remedy: trace.remedy });

  const { asked, seconds, lost } = trace.value;
  const refusals = classify(asked, facts);
  const real = refusals.filter(({ why }) => why === 'missing' || why === 'elsewhere');
  const [first] = real;
  const looked = lookedEvidence(asked.length, seconds);
  if (first === undefined) return ruledOut(looked, ...refusals.map(notThisCase), ...filterEvidence(facts));
  return found({
    severity: real.some(({ optional }) => !optional) ? 'warning' : 'notice',
    certainty: 'proved',
    summary: summaryOf(real, seconds),
    evidence: [...real.map(refusedEvidence), setsEvidence(processOf(facts, first))],
    excluded: [
      ...refusals.filter(refusal => !real.includes(refusal)).map(notThisCase),
      ...filterEvidence(facts),
      ...(lost > 0 ? [lostEvidence(lost)] : []),
    ],
    fixes: fixesFor(facts.container, real),
    trace: 'capabilities',
  });
};

/** The process that was asked, or PID 1 when it has ended since. */
const processOf = ({ init, processes }: RuleFacts, { row }: Refusal): ProcessFacts =>
  orElse(processes, []).find(({ pid }) => pid === row.pid) ?? init;

const named = 3;

function summaryOf(real: readonly Refusal[], seconds: number): string {
  const said = real.slice(0, named).map(({ row, why }) => {
    const name = `CAP_${capabilityName(row.capability)}`;
    const how =
      why === 'elsewhere'
        ? `was refused ${name} in ${row.call}(), which it has in its own user namespace alone: what it touches belongs to another one`
        : `was refused ${name} in ${row.call}()`;
    return `"${row.program}" (uid ${row.uid}) ${how}: ${sayCount(row.refused, 'call')} failed with EPERM or EACCES`;
  });
  const more = real.length - said.length;
  return `In ${seconds.toFixed(1)} s ${[...said, ...(more > 0 ? [`${more} more such calls`] : [])].join('; ')}.`;
}

const sayRow = ({ row }: Refusal): string =>
  `${row.program}: ${row.call}, denied ${row.denied}, failed ${row.refused}`;

const refusedEvidence = (refusal: Refusal): Evidence => ({
  claim: `Denied CAP_${capabilityName(refusal.row.capability)}, and the call failed`,
  source: 'tracepoints cap_capable, sys_exit',
  observed: sayRow(refusal),
});

const notThisCase = (refusal: Refusal): Evidence => ({
  claim: 'The permissions of a file said no: it is not root',
  source: 'tracepoints cap_capable, sys_exit',
  observed: sayRow(refusal),
});

const setsEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'The capabilities that it has, and may get',
  source: `/proc/${pid}/status CapEff, CapBnd`,
  observed: `${sayMask(status.capabilities.effective)}, ${sayMask(status.capabilities.bounding)}`,
});

const holdsEvery = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'It has every capability of the host',
  source: `/proc/${pid}/status CapEff`,
  observed: sayMask(status.capabilities.effective),
});

const lookedEvidence = (rows: number, seconds: number): Evidence => ({
  claim: `No call failed for want of one in ${seconds.toFixed(1)} s`,
  source: 'tracepoints cap_capable, sys_exit',
  observed: sayCount(rows, 'kind of question', 'kinds of questions'),
});

const lostEvidence = (lost: number): Evidence => ({
  claim: 'The list may be incomplete',
  source: 'tracepoint cap_capable',
  observed: `${lost} not counted`,
});

/** The other thing that makes root fail with EPERM. */
function filterEvidence({ init, traced }: RuleFacts): readonly Evidence[] {
  const { seccomp } = init.status;
  if (seccomp.present && seccomp.value === 0)
    return [
      {
        claim: 'Not a seccomp filter: it has none',
        source: `/proc/${init.pid}/status Seccomp`,
        observed: '0',
      },
    ];
  const trace = tracedBy(traced, 'seccomp');
  if (!trace.present || trace.value.denied.length > 0) return [];
  return [
    {
      claim: 'Its seccomp filter refused no call',
      source: 'tracepoints sys_enter, sys_exit',
      observed: '0 calls without a beginning',
    },
  ];
}
