import type { RuleOf } from '../../../diagnose/case.ts';
import { type Found, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { Listener } from '../../../observe/observation.ts';
import type { definition, ListenQueueFacts } from './case.ts';
import {
  cookieEvidence,
  counterEvidence,
  counterGrowth,
  excludedBy,
  inHostNamespace,
  limitEvidence,
  sayPlace,
  sayQueue,
  socketEvidence,
} from './evidence.ts';
import { fixesFor } from './fixes.ts';
import { holderOf, isFull, limitThatActs, ownerOf, sayStopped } from './listeners.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const overflows = counterGrowth(facts, 'TcpExt.ListenOverflows');
  if (!overflows.present) return inconclusive(overflows);
  const requests = counterGrowth(facts, 'TcpExt.TCPReqQFullDrop');
  if (overflows.value > 0) return judgeDrops(facts, 'accept', overflows.value);
  // The queue of half-open connections: full, and no cookies allowed to do without it.
  if (requests.present && requests.value > 0) return judgeDrops(facts, 'request', requests.value);

  const full = facts.listeners.filter(isFull);
  const [worst] = full.filter(listener => ownerOf(facts, listener) === 'this container');
  return worst === undefined ? atRest(facts, full) : judgeFull(facts, worst);
};

type Queue = 'accept' | 'request';

/** The counter moved: somebody's connections were dropped. It is the namespace's, so the sockets say whose. */
function judgeDrops(facts: ListenQueueFacts, queue: Queue, growth: number): Verdict {
  const dropping = facts.listeners.filter(({ dropped }) => dropped.present && dropped.value.inWindow > 0);
  const culprits = dropping.length > 0 ? dropping : facts.listeners.filter(isFull);
  const own = culprits.filter(listener => ownerOf(facts, listener) === 'this container');
  const strangers = culprits.filter(listener => ownerOf(facts, listener) === 'somebody else');
  const [worst] = own.length > 0 ? own : culprits.filter(listener => !strangers.includes(listener));
  const notOurs = inHostNamespace(facts) ? own.length === 0 : strangers.length > 0 && worst === undefined;
  if (notOurs) return ruledOut(...counterEvidence(facts), ...notOursEvidence(facts, culprits));
  // In a pod the socket may be a neighbour's: each of its containers has this counter.
  const isOurs = own.length > 0 || facts.container.pod === null;
  return found({
    severity: isOurs ? 'critical' : 'warning',
    certainty: isOurs ? 'proved' : 'likely',
    summary: `${sayDrops(facts, queue, growth, worst)} ${sayClients(facts)}`,
    ...proof(facts, worst),
  });
}

/** Nothing was dropped while we looked, but the next connection will be. */
const judgeFull = (facts: ListenQueueFacts, worst: Listener): Verdict =>
  found({
    severity: 'warning',
    certainty: worst.dropped.present && worst.dropped.value.total > 0 ? 'proved' : 'likely',
    summary: `The accept queue of ${sayPlace(facts, worst)} is full: ${sayQueue(worst)}. The next client is dropped until the program accepts. ${sayLimit(facts, worst)} ${sayClients(facts)}`,
    ...proof(facts, worst),
  });

function atRest(facts: ListenQueueFacts, full: readonly Listener[]): Verdict {
  const [fullest] = [...facts.listeners].sort((a, b) => b.queued - a.queued);
  return ruledOut(
    ...counterEvidence(facts),
    ...notOursEvidence(facts, full),
    ...(fullest === undefined ? [] : [socketEvidence(facts, fullest, 'The longest accept queue')]),
  );
}

const notOursEvidence = (facts: ListenQueueFacts, listeners: readonly Listener[]) =>
  listeners.map(listener =>
    socketEvidence(facts, listener, "Somebody else's queue in its network namespace"),
  );

const proof = (
  facts: ListenQueueFacts,
  worst: Listener | undefined,
): Pick<Found, 'evidence' | 'excluded' | 'fixes' | 'trace'> => ({
  evidence: [
    ...counterEvidence(facts),
    ...(worst === undefined ? [] : [socketEvidence(facts, worst, 'The queue')]),
    ...limitEvidence(facts, worst),
    ...cookieEvidence(facts),
  ],
  excluded: excludedBy(facts),
  fixes: fixesFor(facts, worst),
  trace: 'tcp',
});

function sayDrops(
  facts: ListenQueueFacts,
  queue: Queue,
  growth: number,
  worst: Listener | undefined,
): string {
  const seconds = (facts.windowMs / 1000).toFixed(1);
  const times = `In ${seconds} s the kernel found`;
  const dropped = `${sayCount(growth, 'time')} and dropped the attempt`;
  if (queue === 'request')
    return `${times} the queue of half-open connections full ${dropped}: net.ipv4.tcp_syncookies is off, and that queue is as long as the backlog allows.`;
  if (worst === undefined) return `${times} an accept queue full ${dropped}; which socket's is not known.`;
  return `${times} the accept queue of ${sayPlace(facts, worst)} full ${dropped}: ${sayQueue(worst)}. ${sayLimit(facts, worst)}`;
}

function sayLimit(facts: ListenQueueFacts, worst: Listener): string {
  const holder = holderOf(facts, worst);
  const stopped = holder === undefined ? undefined : sayStopped(holder);
  if (stopped !== undefined) return `Nobody accepts: the process ${stopped}.`;
  const limit = limitThatActs(facts, worst);
  switch (limit.by) {
    case 'somaxconn':
      return `net.core.somaxconn is ${limit.somaxconn} in this namespace and caps it.`;
    case 'program':
      return `The program asked for no more in listen(); net.core.somaxconn allows ${limit.somaxconn}.`;
    case 'earlier-somaxconn':
      return `It was set before net.core.somaxconn became ${limit.somaxconn}.`;
    case 'unknown':
      return 'Whether the program or net.core.somaxconn set the limit could not be read.';
  }
}

const sayClients = ({ containerSysctls }: ListenQueueFacts): string =>
  containerSysctls.present && containerSysctls.value['net.ipv4.tcp_abort_on_overflow'] === '1'
    ? 'Clients see connections reset, for net.ipv4.tcp_abort_on_overflow is 1.'
    : 'Clients wait 1, 3, 7 … s, or hold a connection that the server does not know.';
