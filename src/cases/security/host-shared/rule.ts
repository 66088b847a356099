import type { RuleOf } from '../../../diagnose/case.ts';
import { givenByHost, isEngineSocket } from '../../../diagnose/host-paths.ts';
import {
  nothingSeen,
  sayUsed,
  type Used,
  usedMemory,
  usedMounts,
  usedNetwork,
  usedPids,
  usedSockets,
} from '../../../diagnose/outside.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import {
  type Evidence,
  type Fix,
  found,
  inconclusive,
  ruledOut,
  severities,
} from '../../../diagnose/verdict.ts';
import { initialPidNamespace } from '../../../linux/namespaces.ts';
import { orElse } from '../../../linux/reading.ts';
import type { SignalsResult } from '../../../trace/instruments/signals/result.ts';
import type { definition } from './case.ts';
import { leastSharing } from './fixes.ts';
import { type Share, separating, sharesOf } from './shares.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { container, host, init, isolation } = facts;
  if (host.namespaces.pid !== initialPidNamespace)
    return inconclusive({
      what: "the host's own namespaces, to compare with",
      because: 'not-permitted',
      remedy: 'Glassbox runs in a container itself, or may not read /proc/1/ns: run it on the host, as root',
    });
  const unread = separating.filter(
    kind => container.namespaces[kind] === undefined || host.namespaces[kind] === undefined,
  );
  const shares = sharesOf(facts, isolation, init);
  if (shares.length === 0 && unread.length > 0)
    return inconclusive({
      what: `its ${unread.join(', ')} namespace or the host's`,
      because: 'not-permitted',
      remedy: 'run as root, with CAP_SYS_PTRACE',
    });
  const apart = separateEvidence(facts);
  if (shares.length === 0) return ruledOut(...apart, noMounts(facts));
  const used = usedOf(facts).filter(each =>
    each.causes.some(cause => shares.some(({ causes }) => causes.includes(cause))),
  );
  const [worst] = severities.filter(severity => shares.some(share => share.severity === severity));
  return found({
    severity: worst ?? 'notice',
    certainty: 'proved',
    summary: `It shares with the host ${shares.map(({ what }) => what).join('; ')}.${facts.outsideUse.present ? ` ${sayUsed(used)}` : ''}`,
    evidence: [...shares, ...used].map(({ evidence }) => evidence),
    excluded: apart,
    fixes: [...leastFix(facts, shares), ...shares.map(({ fix }) => fix)],
    causes: shares.flatMap(({ causes }) => causes),
  });
};

const leastFix = (
  { container, isolation, outsideUse }: RuleFacts,
  shares: readonly Share[],
): readonly Fix[] =>
  outsideUse.present
    ? [
        leastSharing(
          container,
          shares.flatMap(({ namespace }) => namespace ?? []),
          isolation.hostMounts,
          outsideUse.value,
        ),
      ]
    : [];

function usedOf({ isolation, outsideUse, processes, traced }: RuleFacts): readonly Used[] {
  const use = outsideUse.present ? outsideUse.value : nothingSeen;
  const signals = orElse<SignalsResult | undefined>(tracedBy(traced, 'signals'), undefined);
  return [
    ...usedSockets(use, isolation.hostMounts.filter(isEngineSocket)),
    ...usedMounts(use, givenByHost(isolation.hostMounts)),
    ...usedPids(use, orElse(processes, []), signals),
    ...usedNetwork(use),
    ...usedMemory(use),
  ];
}

const separateEvidence = ({ container, host, init }: RuleFacts): readonly Evidence[] =>
  separating.flatMap(kind => {
    const own = container.namespaces[kind];
    const its = host.namespaces[kind];
    if (own === undefined || its === undefined || own === its) return [];
    return [
      {
        claim: `Its own ${kind} namespace`,
        source: `/proc/${init.pid}/ns/${kind}, /proc/1/ns/${kind}`,
        observed: `${kind}:[${own}] against ${kind}:[${its}]`,
      },
    ];
  });

const noMounts = ({ init, isolation }: RuleFacts): Evidence => ({
  claim: "No root directory of the host nor engine's socket in it",
  source: `/proc/${init.pid}/mountinfo`,
  observed: `${isolation.mounts.length} mounts`,
});
