import { inHostNamespace } from '../../../diagnose/net-counters.ts';
import { growthOf } from '../../../diagnose/path/verdict.ts';
import { inside } from '../../../diagnose/path/words.ts';
import { type Evidence, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { RefusingPlace, SampledEffect } from '../../../observe/reach/path.ts';
import type { FirewallFacts } from './case.ts';
import { droppedAtHome, droppedElsewhere } from './seen.ts';

interface Suspect {
  readonly where: RefusingPlace;
  readonly effect: SampledEffect;
}

/**
 * Connections that are rejected fail at once and leave no socket. What is left are counters: attempts that failed, which
 * a closed port gives as well, and the rules near the container that reject. Null when none failed or nobody looked.
 */
export function judgeRefused(facts: FirewallFacts): Verdict | null {
  const failed = growthOf(facts, 'Tcp.AttemptFails');
  const refusing = facts.reach.present ? facts.reach.value.refusing : undefined;
  if (failed === 0 || refusing === undefined || inHostNamespace(facts)) return null;
  const suspects = refusing.flatMap(where => where.rules.map(effect => ({ where, effect })));
  const proved = suspects.find(suspect => hasActed(facts, suspect));
  if (proved !== undefined) return refused(facts, proved, failed, 'proved');
  const moved = suspects.find(({ effect }) => growthOfRule(effect) > 0);
  // A router's message, where a closed port gives a reset: with a rule that moved, they fit.
  if (moved !== undefined && unreachable(facts) > 0) return refused(facts, moved, failed, 'likely');
  const open =
    moved ?? suspects.find(({ effect }) => effect.packets === null || effect.packetsBefore === null);
  const what = `what refused ${sayCount(failed, 'connection')}`;
  const { name } = facts.container;
  if (open !== undefined)
    return inconclusive({
      what,
      because: 'needs-trace',
      remedy: `a rule of ${open.where.place} may have, or a closed port: glassbox diagnose ${name} --deep tells`,
    });
  const [unread] = refusing.flatMap(each => each.unread);
  if (unread !== undefined) return inconclusive(unread);
  if (unreachable(facts) > 0)
    return inconclusive({
      what,
      because: 'needs-trace',
      remedy: `an ICMP message from beyond these namespaces, or a closed port: glassbox trace tcp ${name} names the destination`,
    });
  return ruledOut(failedEvidence(facts), {
    claim: 'No rule that rejects is on its way: the other side refused',
    source: 'rule sets of its own namespace and of those its default route leads through',
    observed: refusing.map(({ place }) => place).join(', '),
  });
}

const growthOfRule = ({ packets, packetsBefore }: SampledEffect): number =>
  packets === null || packetsBefore === null ? 0 : Math.max(0, packets - packetsBefore);

const unreachable = (facts: FirewallFacts): number =>
  growthOf(facts, 'Icmp.InDestUnreachs') + growthOf(facts, 'Icmp6.InDestUnreachs');

/**
 * In its own namespace a rule for TCP that moved met its connections, one for any protocol perhaps only its datagrams;
 * elsewhere the trace has to have seen a packet with its address.
 */
function hasActed(facts: FirewallFacts, { where: { namespace }, effect }: Suspect): boolean {
  if (namespace === facts.container.namespaces.net)
    return (
      (growthOfRule(effect) > 0 && /\btcp\b/.test(effect.rule ?? '')) ||
      (effect.packets === null && droppedAtHome(facts).length > 0)
    );
  return droppedElsewhere(facts).some(row => row.namespace === namespace && row.direction === 'from');
}

const failedEvidence = ({ container, networkCounters: { first, last } }: FirewallFacts): Evidence => ({
  claim: 'Connections that failed at once',
  source: `/proc/${container.init ?? 'self'}/net/snmp Tcp.AttemptFails`,
  observed: `${first['Tcp.AttemptFails'] ?? '?'} → ${last['Tcp.AttemptFails'] ?? '?'}`,
});

function refused(
  facts: FirewallFacts,
  { where, effect }: Suspect,
  failed: number,
  certainty: 'proved' | 'likely',
): Verdict {
  const { container } = facts;
  const seen = droppedElsewhere(facts).filter(row => row.namespace === where.namespace);
  const [first] = seen;
  const to =
    first === undefined ? '' : ` The trace saw packets to ${first.peer} port ${first.port ?? '?'} end there.`;
  const counter =
    effect.packets === null
      ? 'without a counter'
      : `${effect.packetsBefore ?? '?'} → ${effect.packets} packets`;
  return found({
    severity: 'warning',
    certainty,
    summary: `${sayCount(failed, 'connection')} of it failed at once in ${(facts.windowMs / 1000).toFixed(1)} s, and a rule of ${effect.table} ${effect.chain} in ${where.place} rejects such packets${growthOfRule(effect) > 0 ? `: it met ${growthOfRule(effect)} in the same time` : ''}.${to}${certainty === 'likely' ? ' They may have been packets of others: --deep tells.' : ''}`,
    evidence: [
      failedEvidence(facts),
      {
        claim: 'The rule',
        source: inside(where, effect.source.endsWith('-save') ? `${effect.source} -c` : effect.source),
        observed: `${effect.rule ?? 'policy'} (${counter})`,
      },
      {
        claim: '"Unreachable" messages it got',
        source: `/proc/${container.init ?? 'self'}/net/snmp Icmp.InDestUnreachs`,
        observed: `+${unreachable(facts)}`,
      },
    ],
    excluded: [],
    fixes: [
      {
        action: 'See which destination it is, and follow the way there',
        command: `glassbox diagnose ${container.name} --to HOST:PORT`,
        effect:
          '`glassbox trace tcp` names the destinations that refuse; the walk names the rule for one of them.',
        risk: '',
      },
      {
        action: 'Accept these connections before the rule, if they are meant to pass',
        effect: 'In Docker in the chain DOCKER-USER; in Kubernetes by a NetworkPolicy that allows them.',
        risk: 'A rule that rejects was mostly made on purpose: ask who made it.',
      },
    ],
    trace: 'tcp',
  });
}
