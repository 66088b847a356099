import type { RuleOf } from '../../../diagnose/case.ts';
import { inHostNamespace, sayEndpoint } from '../../../diagnose/net-counters.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { Destination } from '../../../observe/tcp.ts';
import type { definition, PortsFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { isExhausted, type Room, roomOf } from './room.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const rooms = roomOf(facts);
  const exhausted = rooms.filter(isExhausted);
  const [worst] = exhausted.filter(room => isOurs(facts, room.destination));
  if (worst === undefined) {
    if (!facts.tcp.complete)
      return inconclusive({
        what: 'all connections of its network namespace',
        because: 'unreadable',
        remedy: `there are more than ${facts.tcp.connections}, too many to count in time; by hand: ss -tan`,
      });
    return ruledOut(...restEvidence(facts, exhausted[0] ?? rooms[0], exhausted.length > 0));
  }
  const failed = failedForPort(facts, worst.destination);
  return found({
    severity: 'critical',
    // That connect() failed moves no counter: the kernel gives up before it has counted anything. A trace sees it.
    certainty: failed > 0 ? 'proved' : 'likely',
    summary: summaryOf(facts, worst),
    evidence: [
      rangeEvidence(facts, worst),
      heldEvidence(facts, worst),
      ...stateEvidence(facts, worst),
      ...(failed > 0 ? [failedEvidence(failed)] : []),
    ],
    excluded: excludedBy(facts, worst, rooms),
    fixes: fixesFor(facts, worst),
    trace: 'tcp',
  });
};

/** Attempts that ended in SYN_SENT without a local port: none was found. One that the server refused has a port. */
function failedForPort({ traced }: PortsFacts, { remote, port }: Destination): number {
  const trace = tracedBy(traced, 'tcp');
  if (!trace.present) return 0;
  return trace.value.events.filter(
    event =>
      event.kind === 'failed' && event.local.endsWith(':0') && event.remote === sayEndpoint(remote, port),
  ).length;
}

const failedEvidence = (failed: number): Evidence => ({
  claim: 'connect() that failed without a local port',
  source: 'glassbox trace tcp: SYN_SENT to CLOSE, port 0',
  observed: sayCount(failed, 'time'),
});

/** On the host's network others have connections too: theirs are their problem. */
function isOurs(facts: PortsFacts, { process }: Destination): boolean {
  if (!inHostNamespace(facts)) return true;
  return facts.processes.present && facts.processes.value.some(({ pid }) => pid === process);
}

function summaryOf(facts: PortsFacts, { destination, usable }: Room): string {
  const { remote, port, local, process } = destination;
  const holder = facts.processes.present
    ? facts.processes.value.find(({ pid }) => pid === process)
    : undefined;
  const who = holder === undefined ? '' : `, many by ${sayProgram(holder)} (pid ${holder.pid})`;
  return `All ${usable} local ports that connect() may use for ${sayEndpoint(remote, port)} from ${local} are taken${who}: ${sayStates(destination)}. The next connection there fails with EADDRNOTAVAIL, "Cannot assign requested address"; other destinations still work.`;
}

const sayStates = ({ states }: Destination): string =>
  Object.entries(states)
    .sort(([, a], [, b]) => b - a)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');

const rangeEvidence = (facts: PortsFacts, { usable }: Room): Evidence => {
  const { ports } = facts.tcp;
  return {
    claim: `Range of local ports here: ${sayCount(usable, 'port')} to use`,
    source: 'net.ipv4.ip_local_port_range, read in the container',
    observed: `${ports?.first} ${ports?.last}${ports?.reserved ? `, ${ports.reserved} reserved` : ''}`,
  };
};

const heldEvidence = ({ container }: PortsFacts, { destination }: Room): Evidence => ({
  claim: 'Taken for this destination, window begin → end',
  source: `nsenter -t ${container.init ?? '?'} -n ss -tan 'dst ${destination.remote} dport = :${destination.port}'`,
  observed: `${destination.heldBefore} → ${destination.held}`,
});

const stateEvidence = ({ container }: PortsFacts, { destination }: Room): readonly Evidence[] => [
  {
    claim: 'What those connections do',
    source: `sock_diag in the network namespace of ${container.init ?? '?'}`,
    observed: sayStates(destination),
  },
];

function excludedBy(facts: PortsFacts, worst: Room, rooms: readonly Room[]): readonly Evidence[] {
  const other = rooms.find(room => !isExhausted(room));
  const evidence: Evidence[] = [
    {
      claim: 'Not descriptors or memory: EMFILE, ENOBUFS differ',
      source: 'what connect() returns',
      observed: `${worst.taken} of ${worst.usable} ports`,
    },
  ];
  if (other !== undefined)
    evidence.push({
      claim: 'Not the network: another destination has room',
      source: sayEndpoint(other.destination.remote, other.destination.port),
      observed: `${other.taken} of ${other.usable} ports`,
    });
  if (!inHostNamespace(facts) && facts.container.namespaces.net !== undefined)
    evidence.push({
      claim: 'Not the host: its own network namespace',
      source: `/proc/${facts.container.init ?? '?'}/ns/net`,
      observed: `net:[${facts.container.namespaces.net}]`,
    });
  return evidence;
}

function restEvidence(facts: PortsFacts, room: Room | undefined, othersDoing: boolean): readonly Evidence[] {
  if (room === undefined)
    return [
      {
        claim: 'No connection that took a local port',
        source: `/proc/${facts.container.init ?? '?'}/net/sockstat and sock_diag`,
        observed: sayCount(facts.tcp.connections, 'connection'),
      },
    ];
  const { remote, port } = room.destination;
  return [
    {
      claim: othersDoing
        ? "Somebody else's on the host's network"
        : 'Most local ports taken for one destination',
      source: `sock_diag: ${sayEndpoint(remote, port)}`,
      observed: `${room.taken} of ${room.usable}`,
    },
  ];
}
