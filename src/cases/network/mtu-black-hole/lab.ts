import { growthFigure, routedLab } from '../../../lab/network/broken-path.ts';

const silence = ['OUTPUT', '-p', 'icmp', '--icmp-type', 'fragmentation-needed', '-j', 'DROP'];
export const lab = routedLab({
  problem: 'the router has an MTU of 1400 behind it, and drops the ICMP message that would say so',
  fix: 'the message passes',
  bytes: 65_536,
  needs: [{ kind: 'program', name: 'iptables-legacy', package: 'iptables' }],
  break: async ({ router }) => {
    await router.run(['iptables-legacy', '-A', ...silence]);
    await router.run(['ip', 'link', 'set', 'up0', 'mtu', '1400']);
  },
  mend: async ({ router }) => void (await router.run(['iptables-legacy', '-D', ...silence])),
  figures: [growthFigure('too large to forward in 0.5 s', 'Ip.FragFails', ({ router }) => router)],
});
