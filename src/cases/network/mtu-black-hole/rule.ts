import type { RuleOf } from '../../../diagnose/case.ts';
import type { Broken } from '../../../diagnose/path/broken.ts';
import { growthOf, judgeReach, type ReachRuleFacts } from '../../../diagnose/path/verdict.ts';
import { inside, isIpv6, sayDestination } from '../../../diagnose/path/words.ts';
import type { Evidence, Fix } from '../../../diagnose/verdict.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts =>
  judgeReach(facts, 'mtu-black-hole', {
    summary: sayBroken,
    evidence: broken => [
      ...narrowEvidence(broken),
      {
        claim: '"Too big" messages it got back',
        ...tooBigMessages(facts, broken),
      },
    ],
    fixes: fixesFor,
  });

const tooBigMessages = (facts: ReachRuleFacts, { stage }: Broken): Pick<Evidence, 'source' | 'observed'> => {
  const [file, name] = isIpv6(stage.packet.destination)
    ? ['snmp6', 'Icmp6.InPktTooBigs']
    : ['snmp', 'Icmp.InDestUnreachs'];
  return {
    source: `/proc/${facts.container.init ?? 'self'}/net/${file} ${name}`,
    observed: `+${growthOf(facts, name)}`,
  };
};

function sayBroken({ walk, stage, mtu }: Broken): string {
  if (mtu === null) return '';
  if (mtu.beyond)
    return `A probe of ${mtu.fits} bytes to ${sayDestination(walk.destination)} is answered, one of ${mtu.sent} is not, and no message says why: somewhere beyond ${mtu.device} large packets are lost. Some hosts answer no large ping either: compare with another size.`;
  const how = mtu.silent
    ? `and ${mtu.device} in ${mtu.place} takes only ${mtu.fits}: what is larger is dropped there, and nobody is told`
    : `and ${mtu.device} in ${stage.place} takes only ${mtu.fits}. The router says so by ICMP, but that message does not reach the container`;
  return `Connections to ${sayDestination(walk.destination)} open, and large packets are lost: the container sends up to ${mtu.sent} bytes, ${how}.`;
}

const narrowEvidence = ({ stage, mtu, walk }: Broken): readonly Evidence[] =>
  mtu === null
    ? []
    : [
        {
          claim: 'MTU that the container uses',
          source: inside(
            walk.out.stages[0] ?? stage,
            `ip link show ${walk.out.stages[0]?.leavesBy?.name ?? 'eth0'}`,
          ),
          observed: String(mtu.sent),
        },
        ...(mtu.beyond
          ? []
          : [
              {
                claim: 'MTU of the narrow place',
                source: inside(stage, `ip link show ${mtu.device}`),
                observed: String(mtu.fits),
              },
            ]),
      ];

function fixesFor({ stage, mtu, walk }: Broken): readonly Fix[] {
  if (mtu === null) return [];
  const first = walk.out.stages[0] ?? stage;
  if (mtu.beyond)
    return [
      {
        action:
          'Find the largest size that is answered, and give the device that MTU: 28 bytes more (IPv6: 48)',
        command: inside(first, `ping -c 1 -M do -s 1372 ${walk.destination.address}`),
        effect: 'It never sends what does not fit; who drops the "too big" messages is to be found beyond.',
        risk: 'All its traffic uses smaller packets.',
      },
    ];
  const six = isIpv6(stage.packet.destination);
  const tool = six ? 'ip6tables' : 'iptables';
  const message = six ? 'icmpv6 --icmpv6-type packet-too-big' : 'icmp --icmp-type fragmentation-needed';
  return [
    {
      action: 'Let ICMP "fragmentation needed" pass (type 3 code 4; IPv6: "packet too big")',
      command: inside(stage, `${tool} -I OUTPUT -p ${message} -j ACCEPT`),
      effect: 'Path MTU discovery works as it is meant to, for all protocols.',
      risk: 'None; firewalls that drop all ICMP break what they protect.',
    },
    {
      action: 'Clamp the segment size of TCP where it passes',
      command: inside(
        stage,
        `${tool} -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`,
      ),
      effect: 'New connections agree on segments that fit.',
      risk: 'TCP only: QUIC and other UDP stay broken.',
    },
    {
      action: `Give the container's device the MTU of the path; at creation: docker network create -o com.docker.network.driver.mtu=${mtu.fits}`,
      command: inside(first, `ip link set ${first.leavesBy?.name ?? 'eth0'} mtu ${mtu.fits}`),
      effect: 'It never sends what does not fit.',
      risk: 'All its traffic uses smaller packets.',
    },
  ];
}
