import { routedLab } from '../../../lab/network/broken-path.ts';

export const lab = routedLab({
  problem: "the router's end of the container's cable is switched off",
  fix: 'switched on',
  break: async ({ router }) => void (await router.run(['ip', 'link', 'set', 'port0', 'down'])),
  mend: async ({ router }) => void (await router.run(['ip', 'link', 'set', 'port0', 'up'])),
  figures: [
    {
      name: 'carrier at the container',
      unit: 'count',
      read: async ({ net, client }) =>
        (await net.run(client, ['ip', '-o', 'link', 'show', 'eth0'])).includes('LOWER_UP') ? 1 : 0,
    },
  ],
});
