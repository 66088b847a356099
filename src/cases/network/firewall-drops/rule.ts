import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { judgeReach } from '../../../diagnose/path/verdict.ts';
import { inside, isIpv6, sayDestination } from '../../../diagnose/path/words.ts';
import type { Evidence, Fix, Verdict } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { SampledEffect } from '../../../observe/reach/path.ts';
import type { definition, FirewallFacts } from './case.ts';
import { judgeRefused } from './refused.ts';
import { type SeenDrop, seenDrop } from './seen.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const seen = (broken: Broken): SeenDrop | undefined => seenDrop(facts, broken);
  const verdict = judgeReach(facts, 'firewall-drops', {
    proof: broken => {
      const drop = seen(broken);
      return drop === undefined
        ? null
        : { claim: 'Packets that ended in a firewall', counter: 'trace', before: 0, after: drop.count };
    },
    summary: broken => {
      const { stage, walk, direction, effect, acted } = broken;
      const what = direction === 'out' ? 'Packets to' : 'Answers from';
      const does = effect?.does === 'reject' ? 'rejects' : 'drops';
      return `${what} ${sayDestination(walk.destination)} come as far as ${stage.place}; there ${sayWho(effect)} ${does} them in the ${effect?.hook ?? 'filter'} hook.${effect?.certain === false ? ' Not all conditions of the rule could be judged here: it is the one whose counter moved.' : ''}${acted === null && effect?.packets === null ? ' Nothing counts there, so that the act itself was not seen: --deep (the trace "drops") shows it.' : ''}`;
    },
    evidence: broken => [...ruleEvidence(broken), ...tracedEvidence(facts, seen(broken))],
    fixes: fixesFor,
  });
  return verdict.kind === 'found' ? verdict : mostOpen(verdict, judgeRefused(facts));
};

/** A finding before what is open, and that before what is ruled out. */
const mostOpen = (verdict: Verdict, refused: Verdict | null): Verdict =>
  refused === null || (refused.kind === 'ruled-out' && verdict.kind === 'inconclusive') ? verdict : refused;

const tracedEvidence = ({ container }: FirewallFacts, drop: SeenDrop | undefined): readonly Evidence[] =>
  drop === undefined
    ? []
    : [
        {
          claim: `Thrown away in ${drop.place}, seen by the trace`,
          source: `glassbox trace drops ${container.name} (skb:kfree_skb)`,
          observed: `${sayCount(drop.count, 'packet')} ${drop.reason} in ${drop.function ?? 'the kernel'}`,
        },
      ];

const sayWho = (effect: SampledEffect | null): string => {
  if (effect === null) return 'a rule';
  if (isVirtualService(effect)) return `the service ${effect.chain} of IPVS, which has ${effect.rule},`;
  const where = `${effect.table} ${effect.chain}`;
  return effect.rule === null ? `the policy of ${where}` : `a rule of ${where}`;
};

function ruleEvidence({ stage, effect, acted }: Broken): readonly Evidence[] {
  if (effect === null) return [];
  const tool = effect.source.endsWith('-save') ? `${effect.source} -c` : effect.source;
  const counted =
    effect.packets === null
      ? ' (without a counter)'
      : acted === null
        ? ` (${effect.packets} packets so far)`
        : '';
  return [
    {
      claim:
        effect.rule === null
          ? 'The policy, no rule before it matches'
          : isVirtualService(effect)
            ? `The service ${effect.chain}`
            : 'The rule',
      source: inside(stage, tool),
      observed: `${effect.rule ?? `${effect.chain} policy drop`}${counted}`,
    },
  ];
}

const isVirtualService = ({ source }: SampledEffect): boolean => source === 'ipvsadm -Ln';

const realServers: Fix = {
  action: 'Give the service a real server that is ready; in Kubernetes: pods behind it that are',
  command: 'kubectl get endpointslices --all-namespaces',
  effect: 'Connections go there at once; a service without any refuses all of them.',
  risk: 'Servers of weight 0 were taken out on purpose, mostly because their readiness probe fails.',
};

function fixesFor({ stage, effect, walk, direction }: Broken): readonly Fix[] {
  if (effect !== null && isVirtualService(effect)) return [realServers];
  const { source, destination, port } = stage.packet;
  const match =
    direction === 'out'
      ? `-s ${source} -d ${destination} -p tcp --dport ${port ?? walk.destination.port}`
      : '-m conntrack --ctstate ESTABLISHED,RELATED';
  const ip = isIpv6(destination) ? 'ip6' : 'ip';
  const nftMatch =
    direction === 'out'
      ? `${ip} saddr ${source} ${ip} daddr ${destination} tcp dport ${port ?? walk.destination.port}`
      : 'ct state established,related';
  const isNft = effect?.source === 'nft list ruleset';
  const chain = effect?.chain ?? 'FORWARD';
  const command = isNft
    ? `nft insert rule ${effect?.table ?? 'ip filter'} ${chain} ${nftMatch} accept`
    : `${(effect?.source ?? 'iptables').replace('-save', '')} -I ${chain} 1 ${match} -j ACCEPT`;
  return [
    {
      action: 'Accept these packets before the rule',
      command: inside(stage, command),
      effect: 'Only this connection passes; everything else is judged as before.',
      risk: 'Ask who made the rule, and why: Docker keeps its own chains, so use DOCKER-USER for what is to last.',
    },
    {
      action: 'Put both on one network, if the engine drops between its networks',
      effect: 'docker network connect NETWORK CONTAINER; in Kubernetes a NetworkPolicy that allows it.',
      risk: 'They then see each other on all ports.',
    },
  ];
}
