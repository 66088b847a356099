import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { deviceEvidence, noRouteEvidence, ownFailures } from '../../../diagnose/path/own.ts';
import { judgeReach, type ReachRuleFacts } from '../../../diagnose/path/verdict.ts';
import { inside, isIpv6, sayDestination } from '../../../diagnose/path/words.ts';
import { type Evidence, type Fix, type Found, found } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const verdict = judgeReach(facts, 'return-route-missing', {
    summary: sayBroken,
    evidence: arrivals,
    fixes: fixesFor,
  });
  if (verdict.kind === 'found') return verdict;
  const { answers } = ownFailures(facts);
  return answers > 0 ? unanswered(facts, answers) : verdict;
};

/** Clients reach this container, and it is itself the one that cannot answer. */
const unanswered = (facts: ReachRuleFacts, answers: number): Found =>
  found({
    severity: 'critical',
    certainty: 'proved',
    summary: `Clients reach its listening sockets, but ${sayCount(answers, 'answer')} in ${(facts.windowMs / 1000).toFixed(1)} s found no route in its own network namespace: the kernel drops the attempt, and the client waits.`,
    evidence: [
      noRouteEvidence(facts, 'Packets without a route'),
      {
        claim: 'Attempts dropped at a listener',
        source: `/proc/${facts.container.init ?? 'self'}/net/netstat TcpExt.ListenDrops`,
        observed: `${facts.networkCounters.first['TcpExt.ListenDrops'] ?? '?'} → ${facts.networkCounters.last['TcpExt.ListenDrops'] ?? '?'}`,
      },
      ...deviceEvidence(facts),
    ],
    excluded: [
      {
        claim: 'Not a full queue',
        source: `/proc/${facts.container.init ?? 'self'}/net/netstat TcpExt.ListenOverflows`,
        observed: `+${(facts.networkCounters.last['TcpExt.ListenOverflows'] ?? 0) - (facts.networkCounters.first['TcpExt.ListenOverflows'] ?? 0)}`,
      },
    ],
    fixes: [
      {
        action: 'Give it a route to its clients, mostly the default route',
        command: `nsenter -t ${facts.container.init ?? '<pid>'} -n ip route add default via <gateway>`,
        effect: 'Holds until the namespace ends; its engine sets it at creation.',
        risk: 'It can reach everything behind that gateway then.',
      },
    ],
    trace: 'drops',
  });

function sayBroken({ walk, stage, end, isFirstStage }: Broken): string {
  const to = sayDestination(walk.destination);
  if (end.kind === 'wrong-way-in')
    return `A packet from ${stage.packet.source} comes into ${stage.place} by ${end.device}, but an answer to it would leave by another device: with rp_filter 1 the kernel throws such packets away.`;
  const who = isFirstStage ? `${stage.place}, where they arrive,` : `${stage.place}, on the way back,`;
  const why =
    end.kind === 'nobody'
      ? `only one by ${end.address}, which nobody on the link has`
      : `no route to ${stage.packet.destination}`;
  return `Packets reach ${to}, but the answers do not come back: ${who} has ${why}.`;
}

/** That packets arrive is what tells it from a way there that is broken. */
const arrivals = ({ stage, direction, isFirstStage }: Broken): readonly Evidence[] => {
  const protocol = isIpv6(stage.packet.destination) ? 'Ip6' : 'Ip';
  const [before, after] = [
    stage.counters.first[`${protocol}.InReceives`],
    stage.counters.last[`${protocol}.InReceives`],
  ];
  return direction !== 'back' || !isFirstStage || before === undefined || after === undefined
    ? []
    : [
        {
          claim: `Packets that arrived in ${stage.place}`,
          source: `${inside(stage, 'nstat -as')} ${protocol}InReceives`,
          observed: `${before} → ${after}`,
        },
      ];
};

function fixesFor({ stage, end, walk }: Broken): readonly Fix[] {
  if (end.kind === 'wrong-way-in')
    return [
      {
        action:
          'Accept what comes by another way than answers take (loose mode), if the routes are meant to differ',
        command: inside(stage, `sysctl -w net.ipv4.conf.${end.device}.rp_filter=2`),
        effect: 'The source only has to be reachable by some device; the larger of this and conf.all counts.',
        risk: 'Spoofed sources of other networks pass. Better: a route back by the same device.',
      },
    ];
  const before = walk.out.stages.find(({ leavesBy }, index) => index > 0 && leavesBy !== null);
  return [
    {
      action: `Add the way back in ${stage.place}`,
      command: inside(stage, `ip route add ${stage.packet.destination} via <gateway>`),
      effect: 'The far side then knows the network of the container; or give it a default route.',
      risk: 'Holds until that host or namespace is set up again: make it part of its set-up.',
    },
    ...(before === undefined
      ? []
      : [
          {
            action: `Or hide the container's address behind ${before.place}`,
            command: inside(
              before,
              `${isIpv6(stage.packet.destination) ? 'ip6tables' : 'iptables'} -t nat -A POSTROUTING -s ${walk.out.stages[0]?.packet.source ?? '<address>'} -o ${before.leavesBy?.name ?? '<device>'} -j MASQUERADE`,
            ),
            effect: 'The far side answers to an address that it can reach.',
            risk: 'It no longer sees which container it talks to.',
          },
        ]),
  ];
}
