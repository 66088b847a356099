import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import {
  deviceEvidence,
  noRouteEvidence,
  ownDevices,
  ownFailures,
  switchedOff,
} from '../../../diagnose/path/own.ts';
import { growthOf, judgeReach, type ReachRuleFacts } from '../../../diagnose/path/verdict.ts';
import { inside, sayDestination } from '../../../diagnose/path/words.ts';
import { type Fix, type Found, found, inconclusive, type Verdict } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const verdict = judgeReach(facts, 'route-missing', { summary: sayBroken, fixes: fixesFor });
  return verdict.kind === 'found' ? verdict : (judgeCounters(facts) ?? verdict);
};

/** connect() that finds no route fails at once and leaves no socket: only the namespace's counter tells. */
function judgeCounters(facts: ReachRuleFacts): Verdict | undefined {
  const { sent } = ownFailures(facts);
  if (sent === 0) return undefined;
  const devices = ownDevices(facts);
  if (devices === undefined) return facts.reach.present ? undefined : inconclusive(facts.reach);
  if (switchedOff(facts) !== undefined) return undefined;
  return devices.length === 0 ? noNetwork(facts, sent) : noRoute(facts, sent);
}

function noRoute(facts: ReachRuleFacts, sent: number): Found {
  const up = devicesWithAddress(facts);
  return found({
    severity: 'warning',
    certainty: 'proved',
    summary: `In ${(facts.windowMs / 1000).toFixed(1)} s ${sayCount(sent, 'packet')} of it found no route in its own network namespace: connect() fails at once with "Network is unreachable". It has ${up}. Whether a default route is missing by mistake, or its network is meant to be closed, its makers know.`,
    evidence: [noRouteEvidence(facts, 'Packets without a route'), ...deviceEvidence(facts)],
    excluded: answersExcluded(facts),
    fixes: [
      {
        action: 'Give it the route that is missing; see which destination fails first',
        command: `glassbox diagnose ${facts.container.name} --to HOST:PORT`,
        effect: 'The walk names the hop and the route lookup that fails.',
        risk: '',
      },
      {
        action: 'A default route by its gateway',
        command: `nsenter -t ${facts.container.init ?? '<pid>'} -n ip route add default via <gateway>`,
        effect:
          'Holds until the namespace ends; its engine sets it at creation: a network that is not --internal.',
        risk: 'A network that was closed on purpose is open then.',
      },
    ],
    trace: 'drops',
  });
}

const devicesWithAddress = (facts: ReachRuleFacts): string =>
  (ownDevices(facts) ?? [])
    .slice(0, 3)
    .map(({ name, addresses }) => `${name} with ${addresses[0] ?? 'no address'}`)
    .join(', ');

const noNetwork = (facts: ReachRuleFacts, sent: number): Found =>
  found({
    severity: 'warning',
    certainty: 'proved',
    summary: `It has no network device but loopback (network "none"), and ${sayCount(sent, 'packet')} of it found no route in ${(facts.windowMs / 1000).toFixed(1)} s.`,
    evidence: [noRouteEvidence(facts, 'Packets without a route')],
    excluded: answersExcluded(facts),
    fixes: [
      {
        action: 'Connect it to a network, if it is to have one',
        effect:
          'Docker: start it again with --network bridge, for one made with "none" cannot be connected later.',
        risk: 'It may have been closed on purpose.',
      },
    ],
    trace: 'drops',
  });

const answersExcluded = (facts: ReachRuleFacts): Found['excluded'] => [
  {
    claim: 'Not answers to clients',
    source: `/proc/${facts.container.init ?? 'self'}/net/netstat TcpExt.ListenDrops`,
    observed: `+${growthOf(facts, 'TcpExt.ListenDrops')}`,
  },
];

function sayBroken({ walk, stage, end, isFirstStage }: Broken): string {
  const where = isFirstStage ? 'In its own network namespace' : `In ${stage.place}, which has to pass it on,`;
  if (end.kind === 'nobody')
    return `${where} the route to ${sayDestination(walk.destination)} goes by ${end.address}, which nobody on the link of ${stage.leavesBy?.name ?? 'its device'} has.`;
  const says = end.kind === 'no-route' ? end.answer.says : '';
  return `${where} the kernel has no route for ${stage.packet.destination} (on the way to ${sayDestination(walk.destination)}): ${says}.`;
}

function fixesFor({ stage, end }: Broken): readonly Fix[] {
  const isWrongGateway = end.kind === 'nobody';
  return [
    {
      action: isWrongGateway ? `Correct the gateway in ${stage.place}` : `Add the route in ${stage.place}`,
      command: inside(
        stage,
        `ip route ${isWrongGateway ? 'replace' : 'add'} ${stage.packet.destination} via <gateway>`,
      ),
      effect: 'Holds until the namespace ends; make it part of what sets this host or container up.',
      risk: 'A more specific route takes precedence over others: check that it is the way you want.',
    },
  ];
}
