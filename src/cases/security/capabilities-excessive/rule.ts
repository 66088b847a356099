import type { RuleOf } from '../../../diagnose/case.ts';
import { causes } from '../../../diagnose/causes.ts';
import { leastPrivilege } from '../../../diagnose/least-privilege.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import { capabilityName, engineDefaultCapabilities, sayMask } from '../../../linux/capabilities.ts';
import { orElse } from '../../../linux/reading.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import type { CapabilitiesResult } from '../../../trace/instruments/capabilities/result.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = ({ container, init, isolation, processes, traced }) => {
  const all = [init, ...orElse(processes, []).filter(({ pid }) => pid !== init.pid)];
  const holder = all.toSorted((a, b) => heldBy(b).length - heldBy(a).length)[0] ?? init;
  const held = [...new Set(all.flatMap(heldBy))].sort((a, b) => a - b);
  if (held.length === 0) return ruledOut(noneHeld(init, all.length));
  if (!isolation.userNamespaceIsHost) return ruledOut(ownUserNamespace(init));
  const trace = tracedBy(traced, 'capabilities');
  if (!trace.present)
    return inconclusive({
      what: `which of its ${sayCount(held.length, 'capability', 'capabilities')} it uses`,
      because: trace.because,
      remedy: trace.remedy,
    });

  const used = trace.value.used.filter(number => held.includes(number));
  const unused = held.filter(number => !used.includes(number));
  if (unused.length === 0) return ruledOut(heldEvidence(holder), usedEvidence(trace.value, used));
  const beyond = unused.filter(number => !engineDefaultCapabilities.includes(number));
  return found({
    severity: beyond.length > 0 ? 'warning' : 'notice',
    certainty: 'likely',
    summary: summaryOf({ held, used, unused, beyond }, trace.value.seconds),
    evidence: [heldEvidence(holder), usedEvidence(trace.value, used), ...beyondEvidence(holder, beyond)],
    excluded: accountingEvidence(trace.value),
    fixes: [
      {
        ...leastPrivilege(container, { capabilities: used }),
        effect: `${sayCount(unused.length, 'capability', 'capabilities')} less for whoever takes it over`,
        risk: 'What it needs only at start or once a day was not seen: trace it over its start and its rarest job',
      },
    ],
    causes: [causes.capabilities],
    trace: 'capabilities',
  });
};

/** What it has now, and, for root, what any program that it starts will have. */
const heldBy = ({ status }: ProcessFacts): readonly number[] => {
  const { permitted, bounding } = status.capabilities;
  return status.uid.effective === 0 ? [...new Set([...permitted, ...bounding])] : permitted;
};

interface Sets {
  readonly held: readonly number[];
  readonly used: readonly number[];
  readonly unused: readonly number[];
  readonly beyond: readonly number[];
}

const names = (numbers: readonly number[], most = 6): string => {
  const said = numbers.slice(0, most).map(capabilityName).join(', ');
  return numbers.length > most ? `${said} and ${numbers.length - most} more` : said;
};

function summaryOf({ held, used, unused, beyond }: Sets, seconds: number): string {
  const did = used.length === 0 ? 'none' : names(used);
  const start = `Of the ${sayCount(held.length, 'capability', 'capabilities')} that it holds it used ${did} in ${seconds.toFixed(1)} s.`;
  return beyond.length === 0
    ? `${start} The other ${unused.length} are among those that engines give by default.`
    : `${start} Not used, and more than engines give by default: ${names(beyond)}.`;
}

const heldEvidence = ({ pid, status }: ProcessFacts): Evidence => ({
  claim: 'What it holds, and what an exec gives its root',
  source: `/proc/${pid}/status CapPrm, CapBnd`,
  observed: `${sayMask(status.capabilities.permitted)}, ${sayMask(status.capabilities.bounding)}`,
});

const usedEvidence = ({ seconds }: CapabilitiesResult, used: readonly number[]): Evidence => ({
  claim: `Asked for and granted in ${seconds.toFixed(1)} s`,
  source: 'tracepoint cap_capable',
  observed: names(used, 41) || 'none',
});

const beyondEvidence = ({ pid }: ProcessFacts, beyond: readonly number[]): readonly Evidence[] =>
  beyond.length === 0
    ? []
    : [
        {
          claim: 'Not used, and in no default of an engine',
          source: `/proc/${pid}/status CapPrm, CapBnd`,
          observed: names(beyond, 41),
        },
      ];

/** SYS_ADMIN seems to be used all the time; it is not. */
const accountingEvidence = ({ asked }: CapabilitiesResult): readonly Evidence[] => {
  const count = asked.reduce(
    (sum, row) => (row.memoryAccounting && row.granted > 0 ? sum + row.granted : sum),
    0,
  );
  return count === 0
    ? []
    : [
        {
          claim: 'SYS_ADMIN asked by memory accounting: no use of it',
          source: 'tracepoint cap_capable',
          observed: `${count} times in fork, mmap, writes to a tmpfs`,
        },
      ];
};

const noneHeld = ({ pid }: ProcessFacts, count: number): Evidence => ({
  claim: `None of its ${sayCount(count, 'process', 'processes')} holds a capability`,
  source: `/proc/${pid}/status CapPrm`,
  observed: sayMask([]),
});

const ownUserNamespace = ({ pid }: ProcessFacts): Evidence => ({
  claim: 'They end at a user namespace of its own',
  source: `/proc/${pid}/ns/user`,
  observed: "not the host's",
});
