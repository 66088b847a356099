import type { RuleOf } from '../../../diagnose/case.ts';
import { judgeReach } from '../../../diagnose/path/verdict.ts';
import { inside, isIpv6, sayDestination } from '../../../diagnose/path/words.ts';
import type { definition } from './case.ts';

export const rule: RuleOf<typeof definition> = facts =>
  judgeReach(facts, 'forwarding-off', {
    summary: ({ stage, walk, direction }) =>
      `${direction === 'out' ? 'Packets' : 'Answers'} ${direction === 'out' ? 'to' : 'from'} ${sayDestination(walk.destination)} come to ${stage.place} by ${stage.enteredBy?.name ?? 'a device'} and have to go on to ${stage.packet.destination}, but ${stage.forwarding?.sysctl ?? 'forwarding'} is 0 there: the kernel throws them away without a word.`,
    evidence: ({ stage }) => [
      {
        claim: `Forwarding in ${stage.place}`,
        source: inside(stage, `sysctl ${stage.forwarding?.sysctl ?? 'net.ipv4.ip_forward'}`),
        observed: stage.forwarding?.value ?? '0',
      },
    ],
    fixes: ({ stage }) => {
      const six = isIpv6(stage.packet.destination);
      const sysctl = six ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
      return [
        {
          action: `Switch forwarding on in ${stage.place}`,
          command: inside(stage, `sysctl -w ${sysctl}=1`),
          effect: `It routes between all its devices from then on; to keep it: ${sysctl} = 1 in /etc/sysctl.d, or --sysctl at creation.`,
          risk: `It routes for everybody that can reach it: a FORWARD policy decides for whom.${six ? ' A router takes no routes from router advertisements unless accept_ra is 2.' : ''}`,
        },
        // IPv6 asks the value for all devices alone.
        ...(six
          ? []
          : [
              {
                action: `Only from the device that these packets come in by`,
                command: inside(stage, `sysctl -w ${stage.forwarding?.sysctl ?? sysctl}=1`),
                effect: 'The others stay as they are.',
                risk: 'Answers need it on the other device.',
              },
            ]),
      ];
    },
  });
