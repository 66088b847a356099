import type { RuleOf } from '../../../diagnose/case.ts';
import { sayEndpoint } from '../../../diagnose/net-counters.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { Relay } from '../../../observe/relays.ts';
import type { definition, ProxyFacts } from './case.ts';
import { fixesFor } from './fixes.ts';

/** Programs of engines that stand in where their NAT rules do not reach: clients from elsewhere should not meet them. */
const standIns: ReadonlySet<string> = new Set(['docker-proxy', 'rootlesskit-docker-proxy', 'rootlessport']);

export const rule: RuleOf<typeof definition> = facts => {
  const { relays } = facts;
  // From the host itself to its own published port there is no other way for some addresses: that is by design.
  const [worst] = relays
    .filter(({ clientsFromElsewhere }) => clientsFromElsewhere > 0)
    .sort((a, b) => b.clientsFromElsewhere - a.clientsFromElsewhere);
  if (worst === undefined) return ruledOut(...restEvidence(facts));
  return found({
    severity: isStandIn(worst) ? 'warning' : 'notice',
    certainty: 'proved',
    summary: `${sayRelay(facts, worst)} takes the connections to port ${worst.ports.join(', ')} and makes new ones to ${sayEndpoint(worst.target, worst.targetPort)} in this container: no NAT rule took these packets. ${sayCount(worst.clientsFromElsewhere, 'client')} from elsewhere ${worst.clientsFromElsewhere === 1 ? 'looks' : 'look'} like ${worst.seenAs} in here, whoever ${worst.clientsFromElsewhere === 1 ? 'it is' : 'they are'}, and each byte is copied through that program twice.`,
    evidence: evidenceOf(facts, worst),
    excluded: [
      {
        claim: 'Not NAT: such a connection has no socket there',
        source: `nsenter -t ${worst.pid} -n ss -tn 'dst ${worst.target}'`,
        observed: `${sayCount(worst.connections, 'socket')} of pid ${worst.pid}`,
      },
    ],
    fixes: fixesFor(facts, worst, isStandIn(worst)),
  });
};

const isStandIn = ({ commandLine }: Relay): boolean =>
  standIns.has((commandLine[0] ?? '').replace(/^.*\//, ''));

function sayRelay({ host }: ProxyFacts, { commandLine, pid, namespace }: Relay): string {
  const line = commandLine.slice(0, 2).join(' ').slice(0, 60) || 'A program';
  return `${line} (pid ${pid}${namespace === host.namespaces.net ? ', on the host' : ''})`;
}

function evidenceOf({ container }: ProxyFacts, relay: Relay): readonly Evidence[] {
  const { pid, ports, target, targetPort, seenAs, connections, clients } = relay;
  return [
    {
      claim: 'Who is connected to it',
      source: `nsenter -t ${pid} -n ss -tnp 'sport = :${ports[0]}'`,
      observed: clients.join(' '),
    },
    {
      claim: 'Its own connections to the container',
      source: `nsenter -t ${pid} -n ss -tnp 'dst ${target} dport = :${targetPort}'`,
      observed: `${connections} from ${seenAs}`,
    },
    {
      claim: 'What the container sees as the client',
      source: `nsenter -t ${container.init ?? '?'} -n ss -tn 'sport = :${targetPort}'`,
      observed: seenAs,
    },
  ];
}

function restEvidence({ relays, container }: ProxyFacts): readonly Evidence[] {
  const [local] = relays;
  if (local !== undefined)
    return [
      {
        claim: 'Only clients on the host itself go through it',
        source: `/proc/${local.pid}/cmdline`,
        observed: `${local.commandLine[0] ?? '?'}: ${local.clients.join(' ')}`,
      },
    ];
  return [
    {
      claim: 'Connections from its gateway that a program made',
      source: `nsenter -t ${container.init ?? '?'} -n ss -tn`,
      observed: '0',
    },
  ];
}
