import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { judgeReach } from '../../../diagnose/path/verdict.ts';
import { inside, sayDestination } from '../../../diagnose/path/words.ts';
import type { Evidence, Fix } from '../../../diagnose/verdict.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts =>
  judgeReach(facts, 'address-conflict', { summary: sayBroken, evidence: holderEvidence, fixes: fixesFor });

function sayBroken({ walk, stage, direction, acted, end }: Broken): string {
  const { holders, nextHop } = stage;
  if (holders.length < 2)
    return `Answers from ${sayDestination(walk.destination)} end in ${end.kind === 'astray' ? end.place : 'another namespace'}, which has the container's address ${stage.packet.destination} too.`;
  const who = holders.map(({ place, device }) => `${device} of ${place}`).join(' and ');
  const meant = holders.find(({ mac }) => mac === stage.neighbour?.mac);
  const now =
    meant === undefined
      ? ''
      : ` At the moment ${stage.place} sends to ${meant.place}${acted === null ? '' : ', so that answers do not reach the container'}.`;
  return `${nextHop ?? 'One address'} is on ${who}, on one link: whoever answers ARP last gets the packets ${direction === 'out' ? 'to' : 'back from'} ${sayDestination(walk.destination)}.${now}`;
}

const holderEvidence = ({ stage }: Broken): readonly Evidence[] => [
  ...stage.holders.map(({ place, device, mac }) => ({
    claim: `${stage.nextHop ?? 'The address'} in ${place}`,
    source: `ip address show ${device}, in ${place}`,
    observed: mac ?? 'no link-layer address',
  })),
  ...(stage.neighbour === null
    ? []
    : [
        {
          claim: `Neighbour entry in ${stage.place}`,
          source: inside(stage, `ip neighbour show ${stage.nextHop ?? ''}`),
          observed: `${sayChange(stage.neighbour.macBefore, stage.neighbour.mac)} ${stage.neighbour.state}`,
        },
      ]),
];

const sayChange = (before: string | null, after: string | null): string =>
  before === null || before === after ? (after ?? 'none') : `${before} → ${after ?? 'none'}`;

function fixesFor({ stage }: Broken): readonly Fix[] {
  const [, other] = stage.holders;
  return [
    {
      action: `Give one of them another address${other === undefined ? '' : `, for instance ${other.place}`}`,
      effect:
        'Let one place give out addresses: the engine, an IPAM plugin, DHCP; not several by hand, nor two engines on one subnet.',
      risk: 'Whoever knew it by that address has to learn the new one.',
    },
    {
      action: `Then make ${stage.place} forget what it learnt`,
      command: inside(stage, `ip neighbour flush to ${stage.nextHop ?? '<address>'}`),
      effect: 'It asks again at the next packet.',
      risk: 'None: one question by ARP.',
    },
  ];
}
