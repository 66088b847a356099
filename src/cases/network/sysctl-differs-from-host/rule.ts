import type { RuleOf } from '../../../diagnose/case.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { Sysctls } from '../../../linux/net/sysctl.ts';
import type { definition, SysctlFacts } from './case.ts';
import { type Comparison, compareSysctls, type Difference } from './compare.ts';
import { fixesFor } from './fixes.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const { container, host } = facts;
  if (container.namespaces.net !== undefined && container.namespaces.net === host.namespaces.net)
    return ruledOut({
      claim: "It shares the host's network namespace and values",
      source: `/proc/${container.init ?? '?'}/ns/net`,
      observed: `net:[${container.namespaces.net}]`,
    });
  if (!facts.defaultSysctls.present) {
    const differing = countDiffering(facts);
    return differing === 0
      ? ruledOut(sameEvidence(facts, 'All values that both have are equal'))
      : inconclusive(facts.defaultSysctls);
  }
  const comparison = compareSysctls(facts.hostSysctls, facts.containerSysctls, facts.defaultSysctls.value);
  const { notArrived } = comparison;
  if (notArrived.length === 0)
    return ruledOut(
      sameEvidence(facts, 'Nothing tuned on the host has its start value here'),
      ...ownEvidence(comparison),
    );
  return found({
    severity: 'notice',
    certainty: 'proved',
    summary: summaryOf(notArrived),
    evidence: capped(notArrived, evidenceOf),
    excluded: [...ownEvidence(comparison), ...machineEvidence(facts)],
    fixes: fixesFor(container, notArrived),
  });
};

const listed = 12;

/** All of them up to a screenful, then how many more. */
function capped(
  differences: readonly Difference[],
  evidence: (difference: Difference) => Evidence,
): readonly Evidence[] {
  const shown = differences.slice(0, listed).map(evidence);
  const rest = differences.slice(listed);
  if (rest.length === 0) return shown;
  const more = {
    claim: `${sayCount(rest.length, 'more value')} of the same kind`,
    source: 'sysctl -a --pattern ^net, on the host and in the container',
    observed: rest.map(({ name }) => name).join(' '),
  };
  return [...shown, more];
}

function summaryOf(notArrived: readonly Difference[]): string {
  const [first] = notArrived;
  const example =
    first === undefined
      ? ''
      : ` ${first.name} is ${first.host} on the host and ${first.container ?? `${first.start} (not shown)`} here${notArrived.length > 1 ? ', and so on' : ''}.`;
  return `${sayCount(notArrived.length, 'network value')} that somebody tuned on the host ${notArrived.length === 1 ? 'has its' : 'have their'} start value in this container.${example} A new network namespace starts with the kernel's own values, whatever the host has; tuning the host again changes nothing here.`;
}

const evidenceOf = ({ name, host, start, container }: Difference): Evidence =>
  container === undefined
    ? {
        claim: `${name}: hidden in a user namespace's network namespace`,
        source: pathOf(name),
        observed: `host ${host}, new namespace ${start}, here no such file`,
      }
    : {
        claim: name,
        source: pathOf(name),
        observed: `host ${host}, new namespace ${start}, here ${container}`,
      };

const pathOf = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

/** What differs and is no fault: said, so that nobody searches for it. */
const ownEvidence = ({ chosen, older }: Comparison): readonly Evidence[] => [
  ...capped(chosen, ({ name, host, start, container }) => ({
    claim: `Not ${name}: somebody chose it for this container`,
    source: pathOf(name),
    observed: `host ${host}, new namespace ${start}, here ${container}`,
  })),
  ...capped(older, ({ name, host, container }) => ({
    claim: `Not ${name}: chosen here, or changed on the host since`,
    source: pathOf(name),
    observed: `host and new namespace ${host}, here ${container}`,
  })),
];

/** Tuned or not, these need nothing: there is one value for the machine. */
function machineEvidence({ hostSysctls, defaultSysctls }: SysctlFacts): readonly Evidence[] {
  const own: Sysctls = defaultSysctls.present ? defaultSysctls.value : {};
  const shared = Object.keys(hostSysctls).filter(name => own[name] === undefined);
  if (shared.length === 0) return [];
  return [
    {
      claim: 'Not those of the machine, which act here too',
      source: '/proc/sys/net of the host and of a new namespace',
      observed: `${shared.length}, such as ${shared.filter(name => /^net\.(core\.(netdev_max_backlog|rmem_max)|ipv4\.tcp_mem)$/.test(name)).join(' ') || shared[0]}`,
    },
  ];
}

const countDiffering = ({ hostSysctls, containerSysctls }: SysctlFacts): number =>
  Object.entries(containerSysctls).filter(([name, value]) => (hostSysctls[name] ?? value) !== value).length;

const sameEvidence = ({ containerSysctls, container }: SysctlFacts, claim: string): Evidence => ({
  claim,
  source: `/proc/sys/net, read in the network namespace of process ${container.init ?? '?'}`,
  observed: `${Object.keys(containerSysctls).length} values compared`,
});
