import { routedLab, serverAddress, serverPort, waitingFigure } from '../../../lab/network/broken-path.ts';

const drop = ['FORWARD', '-d', serverAddress, '-p', 'tcp', '--dport', String(serverPort), '-j', 'DROP'];

export const lab = routedLab({
  problem: 'the router has a rule that drops port 8080',
  fix: 'the rule is deleted',
  needs: [{ kind: 'program', name: 'iptables-legacy', package: 'iptables' }],
  break: async ({ router }) => void (await router.run(['iptables-legacy', '-A', ...drop])),
  mend: async ({ router }) => void (await router.run(['iptables-legacy', '-D', ...drop])),
  figures: [
    waitingFigure,
    {
      name: 'packets that the rule dropped',
      unit: 'count',
      read: async ({ router }) => {
        const saved = await router.run(['iptables-legacy-save', '-c']);
        return Number(/^\[(\d+):\d+\] -A FORWARD/m.exec(saved)?.[1] ?? 0);
      },
    },
  ],
});
