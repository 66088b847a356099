import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { deviceEvidence, noRouteEvidence, ownFailures, switchedOff } from '../../../diagnose/path/own.ts';
import { judgeReach, type ReachRuleFacts } from '../../../diagnose/path/verdict.ts';
import { inside, sayDestination, sayLinkFault } from '../../../diagnose/path/words.ts';
import { type Evidence, type Fix, type Found, found } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { DeviceState, LinkFault } from '../../../observe/reach/path.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const verdict = judgeReach(facts, 'link-down', {
    summary: sayBroken,
    evidence: linkEvidence,
    fixes: fixesFor,
  });
  if (verdict.kind === 'found') return verdict;
  const off = switchedOff(facts);
  const { sent } = ownFailures(facts);
  return off !== undefined && sent > 0 ? ownDeviceOff(facts, off, sent) : verdict;
};

/** With the device its routes are gone, so that connect() fails at once and leaves no socket. */
const ownDeviceOff = (facts: ReachRuleFacts, { name, addresses }: DeviceState, sent: number): Found =>
  found({
    severity: 'critical',
    certainty: 'proved',
    summary: `Its device ${name} (${addresses[0] ?? 'no address'}) is switched off, and with it went the routes over it: ${sayCount(sent, 'packet')} in ${(facts.windowMs / 1000).toFixed(1)} s found none. connect() fails at once with "Network is unreachable".`,
    evidence: [...deviceEvidence(facts), noRouteEvidence(facts, 'Packets without a route')],
    excluded: [],
    fixes: [
      {
        action: 'Switch it on, and set the routes again that it had',
        command: `nsenter -t ${facts.container.init ?? '<pid>'} -n ip link set ${name} up`,
        effect: 'The route of its own network comes back with it; a default route does not.',
        risk: 'Somebody or something switched it off: ask who.',
      },
    ],
    trace: 'drops',
  });

function sayBroken({ walk, end, direction }: Broken): string {
  if (end.kind !== 'link-down') return '';
  const what = direction === 'out' ? 'Packets to' : 'Answers from';
  return `${what} ${sayDestination(walk.destination)} have to cross ${end.device} in ${end.place}, which ${sayLinkFault(end.how)}.`;
}

const observedAs: Readonly<Record<LinkFault, string>> = {
  down: 'DOWN',
  'no-carrier': 'NO-CARRIER',
  port: 'port not forwarding',
  isolated: 'isolated, or of a private mode',
  vlan: 'not in that VLAN (bridge vlan show)',
};

/** Nobody answers on a link that is down: the neighbour entry says so. */
function linkEvidence({ stage, end }: Broken): readonly Evidence[] {
  const { leavesBy, neighbour, nextHop } = stage;
  return [
    ...(end.kind === 'link-down'
      ? [
          {
            claim: 'The link',
            source: `ip link show ${end.device}, in ${end.place}`,
            observed: observedAs[end.how],
          },
        ]
      : []),
    ...(leavesBy !== null
      ? [
          {
            claim: `Device ${leavesBy.name} of ${stage.place}`,
            source: inside(stage, `ip link show ${leavesBy.name}`),
            observed: leavesBy.carrier ? 'UP, LOWER_UP' : 'NO-CARRIER',
          },
        ]
      : []),
    ...(neighbour !== null
      ? [
          {
            claim: `Its neighbour ${nextHop ?? ''}`,
            source: inside(stage, 'ip neighbour'),
            observed: neighbour.state,
          },
        ]
      : []),
  ];
}

function fixesFor({ end, stage }: Broken): readonly Fix[] {
  if (end.kind !== 'link-down') return [];
  const isHere = end.place === stage.place;
  const other = otherFix(end);
  if (other !== null) return [other];
  const command = `ip link set ${end.device} up`;
  return [
    {
      action: `Switch ${end.device} on, in ${end.place}`,
      command: isHere ? inside(stage, command) : command,
      effect:
        isHere || end.place === 'the host'
          ? 'Packets pass as soon as it is up.'
          : `Run it in the network namespace of ${end.place}.`,
      risk: 'A bridge with STP takes 30 s until it forwards at a new port; ask who switched it off.',
    },
  ];
}

/** A link that is up and keeps these frames out on purpose, or so it seems. */
function otherFix({ how, device, place }: Extract<Broken['end'], { kind: 'link-down' }>): Fix | null {
  if (how === 'vlan')
    return {
      action: `Put both ends into one VLAN, in ${place}`,
      command: `bridge vlan add vid VLAN dev ${device}`,
      effect: 'Frames of that VLAN pass; `pvid untagged` for those without a tag.',
      risk: 'VLANs keep networks apart: ask whether these two are meant to meet.',
    };
  if (how === 'isolated')
    return {
      action: `Let ${device} exchange frames with its neighbours, in ${place}`,
      command: `bridge link set dev ${device} isolated off`,
      effect: 'For a macvlan or ipvlan: make it again with mode bridge instead of private or vepa.',
      risk: 'Somebody kept them apart on purpose: ask who.',
    };
  return null;
}
