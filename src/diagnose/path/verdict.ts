import type { Reading } from '../../linux/reading.ts';
import type { PacketWalk, ReachFacts } from '../../observe/reach/path.ts';
import type { CommonFacts, FactsByName } from '../facts.ts';
import {
  type Evidence,
  type Fix,
  type Found,
  found,
  inconclusive,
  type Missing,
  ruledOut,
  type Verdict,
} from '../verdict.ts';
import { sayCount } from '../wording.ts';
import { type Broken, findBroken, hasFailed, type Moved, type PathFault } from './broken.ts';
import { probedLines } from './probed.ts';
import { unjudgedPrograms } from './queues.ts';
import { inside, sayBy, sayDestination, sayPort } from './words.ts';

/** What the rules of unreachability have in common. */
export type ReachRuleFacts = CommonFacts &
  Pick<FactsByName, 'networkCounters'> & { readonly reach: Reading<ReachFacts> };

export interface FaultWords {
  readonly summary: (broken: Broken) => string;
  /** What else shows that it acted, where no counter does. */
  readonly proof?: (broken: Broken) => Moved | null;
  /** Beyond the route lookup and the counter, which all have. */
  readonly evidence?: (broken: Broken) => readonly Evidence[];
  readonly fixes: (broken: Broken) => readonly Fix[];
}

/** The verdict of one fault: found where a walk breaks of it, else what else is known of the container's connections. */
export function judgeReach(facts: ReachRuleFacts, fault: PathFault, words: FaultWords): Verdict {
  const walks = facts.reach.present ? facts.reach.value.walks : [];
  const all = walks.map(findBroken);
  const broken = all.find(each => each?.fault === fault);
  if (broken !== undefined && broken !== null)
    return report(facts, { ...broken, acted: broken.acted ?? words.proof?.(broken) ?? null }, words);
  const missing = undecided(facts, walks, all, fault);
  if (missing.length > 0) return inconclusive(...missing);
  return ruledOut(...clearing(facts, walks, all));
}

function report(facts: ReachRuleFacts, broken: Broken, words: FaultWords): Found {
  const { walk } = broken;
  const isFelt = walk.waiting > 0 || hasFailed(walk);
  return found({
    severity: isFelt || broken.acted !== null || walk.reason === 'asked' ? 'critical' : 'warning',
    certainty: broken.acted !== null ? 'proved' : 'likely',
    summary: [sayProxy(walk), words.summary(broken), sayTunnel(broken), sayWaiting(walk)]
      .filter(text => text !== '')
      .join(' '),
    evidence: [
      ...routeEvidence(broken),
      ...actedEvidence(broken),
      ...(words.evidence?.(broken) ?? []),
      ...waitingEvidence(facts, walk),
      ...probeEvidence(walk),
    ],
    excluded: passedHops(broken),
    fixes: words.fixes(broken),
    trace: 'drops',
  });
}

const sayTunnel = ({ stage: { tunnel, packet } }: Broken): string =>
  tunnel === undefined
    ? ''
    : `There they are inside ${tunnel.kind} ${tunnel.device}, as packets to ${packet.destination}.`;

/** What breaks is then not the connection that was asked about, but the proxy's. */
const sayProxy = ({ by }: PacketWalk): string =>
  by === undefined ? '' : `${sayBy(by)} takes the connections and makes its own to the container.`;

function sayWaiting({ waiting, reason, probe, by }: PacketWalk): string {
  if (waiting > 0 && by !== undefined)
    return `${sayCount(waiting, 'connection')} of the proxy had no answer.`;
  if (waiting > 0)
    return reason === 'stalled'
      ? `${sayCount(waiting, 'connection')} of it had data unacknowledged in both samples.`
      : `${sayCount(waiting, 'connection')} of it waited for an answer in both samples.`;
  return probe === null ? '' : `A probe from its namespace got: ${probe.tcp}.`;
}

/** The kernel's own answer in the namespace where the way ends. */
function routeEvidence({ stage }: Broken): readonly Evidence[] {
  const { route } = stage;
  if (route === null) return [];
  const { answer } = route;
  const source = inside(stage, route.command);
  if (answer.kind === 'refused')
    return [{ claim: `Route lookup in ${stage.place}`, source, observed: answer.says }];
  const via = answer.gateway === null ? '' : ` via ${answer.gateway}`;
  return [
    {
      claim: `Route lookup in ${stage.place}`,
      source,
      observed: `${answer.kind === 'local' ? 'local' : 'unicast'}${via} dev ${answer.device}`,
    },
  ];
}

function actedEvidence({ acted, stage, effect }: Broken): readonly Evidence[] {
  if (acted === null || notCounters.has(acted.counter)) return [];
  const source =
    effect === null
      ? `${inside(stage, 'nstat -as')} ${acted.counter.replace('.', '')}`
      : inside(stage, sayTool(effect.source));
  return [{ claim: acted.claim, source, observed: `${acted.before} → ${acted.after}` }];
}

/** What shows the act in another way, and is told by its own evidence. */
const notCounters: ReadonlySet<string> = new Set(['neighbour', 'waiting', 'trace', 'probe', 'drops']);

const sayTool = (source: string): string => (source.endsWith('-save') ? `${source} -c` : source);

function waitingEvidence(
  { container }: ReachRuleFacts,
  { waiting, destination, reason, by }: PacketWalk,
): readonly Evidence[] {
  if (waiting === 0) return [];
  return [
    {
      claim: reason === 'stalled' ? 'Connections with data sent again' : 'Connections begun, no answer',
      source: `nsenter -t ${by?.pid ?? container.init ?? '?'} -n ss -tno dst ${destination.address}`,
      observed: `${waiting} to ${sayPort(destination.address, destination.port)}`,
    },
  ];
}

/** What a probe sent and what came of it, with its figures. */
const probeEvidence = ({ probe }: PacketWalk): readonly Evidence[] =>
  probe === null || probe.sent === undefined
    ? []
    : probedLines(probe).map(({ sent, came }) => ({ claim: 'Probe', source: sent, observed: came }));

/** The namespaces that let the packet pass before it was stopped. */
function passedHops({ walk, direction, stage }: Broken): readonly Evidence[] {
  const before = walk.out.stages.slice(0, direction === 'out' ? walk.out.stages.indexOf(stage) : undefined);
  if (before.length === 0) return [];
  return [
    {
      claim: direction === 'out' ? 'Not a hop before' : 'Not the way there',
      observed: `${before.map(({ place }) => place).join(' → ')} let it pass`,
      source: 'route lookups and rule sets',
    },
  ];
}

/** What stays open for this fault: connections wait, and their way could not be seen to its end. */
function undecided(
  facts: ReachRuleFacts,
  walks: readonly PacketWalk[],
  all: readonly (Broken | null)[],
  fault: PathFault,
): readonly Missing[] {
  const waitsInVain = growthOf(facts, 'TcpExt.TCPSynRetrans') + growthOf(facts, 'TcpExt.TCPTimeouts') > 0;
  if (!facts.reach.present) return waitsInVain ? [facts.reach] : [];
  const open: Missing[] = [];
  for (const [index, walk] of walks.entries()) {
    // Who asks, and does not send anything, wants to know what was not seen.
    const isOpen = walk.waiting > 0 || hasFailed(walk) || (walk.reason === 'asked' && walk.probe === null);
    if (all[index] !== null || !isOpen) continue;
    if (walk.reason === 'stalled' ? fault !== 'mtu-black-hole' : fault === 'mtu-black-hole') continue;
    for (const leg of [walk.out, ...(walk.back === null ? [] : [walk.back])]) {
      if (leg.end.kind === 'unseen') open.push(leg.end.missing);
      if (leg.end.kind === 'left' && seenBeyond.has(fault))
        open.push({
          what: `the way to ${sayDestination(walk.destination)} beyond this machine`,
          because: 'unreadable',
          remedy: `it leaves by ${leg.end.device} with nothing in its way here; look at the next host`,
        });
      for (const { unread } of fault === 'firewall-drops' ? leg.stages : []) open.push(...unread);
      if (fault === 'traffic-control-drops') open.push(...leg.stages.flatMap(unjudgedPrograms));
    }
  }
  return [...new Map(open.map(each => [`${each.what} ${each.remedy}`, each])).values()].slice(0, 3);
}

/** Faults that another machine may have; links, routes and forwarding of this one were seen. */
const seenBeyond: ReadonlySet<PathFault> = new Set([
  'firewall-drops',
  'traffic-control-drops',
  'return-route-missing',
  'mtu-black-hole',
]);

export function growthOf(
  { networkCounters: { first, last } }: Pick<ReachRuleFacts, 'networkCounters'>,
  name: string,
): number {
  const [before, after] = [first[name], last[name]];
  return before === undefined || after === undefined ? 0 : Math.max(0, after - before);
}

function clearing(
  facts: ReachRuleFacts,
  walks: readonly PacketWalk[],
  all: readonly (Broken | null)[],
): readonly Evidence[] {
  const source = `/proc/${facts.container.init ?? 'self'}/net/snmp`;
  return [
    ...walks.slice(0, 2).map((walk, index) => ({
      claim: `The way to ${sayPort(walk.destination.address, walk.destination.port)}`,
      source: 'route lookups, links and rule sets on the way',
      observed: all[index] === null ? 'nothing here stops it' : `broken: network/${all[index]?.fault}`,
    })),
    ...(walks.length === 0
      ? [
          {
            claim: 'No connection waits for an answer',
            source: `${source.replace('snmp', 'tcp')}`,
            observed: 'none sent again',
          },
        ]
      : []),
    {
      claim: 'Packets without a route',
      source: `${source} Ip.OutNoRoutes, snmp6 Ip6.OutNoRoutes`,
      observed: `+${growthOf(facts, 'Ip.OutNoRoutes') + growthOf(facts, 'Ip6.OutNoRoutes')}`,
    },
  ];
}
