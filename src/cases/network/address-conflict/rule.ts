import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { ownDevices } from '../../../diagnose/path/own.ts';
import { judgeReach, type ReachRuleFacts } from '../../../diagnose/path/verdict.ts';
import { inside, sayDestination } from '../../../diagnose/path/words.ts';
import { type Evidence, type Fix, type Found, found } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { DeviceState } from '../../../observe/reach/path.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const verdict = judgeReach(facts, 'address-conflict', {
    summary: sayBroken,
    evidence: holderEvidence,
    fixes: fixesFor,
  });
  if (verdict.kind === 'found') return verdict;
  const refusing = (ownDevices(facts) ?? []).find(({ refused = [] }) => refused.length > 0);
  return refusing === undefined ? verdict : refusedAddress(facts, refusing);
};

/** The kernel itself asked the link before using the address (RFC 4862), got an answer, and does not use it since. */
function refusedAddress(
  { container }: ReachRuleFacts,
  { name, mac, addresses, refused = [] }: DeviceState,
): Found {
  const others = addresses.filter(address => address.includes(':') && !address.startsWith('fe80:'));
  const inNamespace = `nsenter -t ${container.init ?? '<pid>'} -n`;
  const [address = '', ...more] = refused;
  return found({
    severity: others.length === 0 ? 'critical' : 'warning',
    certainty: 'proved',
    summary: `Its address ${address} on ${name}${more.length === 0 ? '' : ` and ${sayCount(more.length, 'other')}`} is somebody else's on that link: the kernel asked before using it, was answered, and does not use it. ${others.length === 0 ? 'It has no other IPv6 address beyond the link.' : `It goes on with ${others.slice(0, 2).join(' and ')}.`}`,
    evidence: refused.slice(0, 4).map(each => ({
      claim: 'Duplicate address detection failed',
      source: `${inNamespace} ip -6 address show dev ${name}`,
      observed: `${each} dadfailed tentative, ${name} is ${mac ?? 'without a link-layer address'}`,
    })),
    excluded: [],
    fixes: [
      {
        action: 'Give it an address that nobody on the link has, or take it from the other',
        command: `${inNamespace} ip -6 address delete ${address} dev ${name}`,
        effect:
          'Once it is free, adding it again repeats the question; the failed one stays failed for ever.',
        risk: 'Two engines or two people give out addresses of one network: let one place do it.',
      },
    ],
  });
}

function sayBroken({ walk, stage, direction, acted, end, answered }: Broken): string {
  const { holders, nextHop } = stage;
  if (answered?.own === true)
    return `The container's address ${answered.address} is somebody else's, too: asked on the link of ${answered.device}, ${answered.macs.join(' and ')} said it is theirs. Whoever answers last gets the packets.`;
  if (answered !== null)
    return `Asked on the link of ${answered.device} who has ${answered.address}, the next hop to ${sayDestination(walk.destination)}, ${answered.macs.join(' and ')} both said it is theirs. Should that be one host with two devices on that link, it is no conflict.`;
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

const holderEvidence = ({ stage, answered }: Broken): readonly Evidence[] => [
  ...(answered === null
    ? []
    : [
        {
          claim: `Others that say ${answered.address} is theirs`,
          source: inside(stage, `arping -D -I ${answered.device} ${answered.address}`),
          observed: answered.macs.join(' '),
        },
      ]),
  ...(answered === null ? stage.holders : []).map(({ place, device, mac }) => ({
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
