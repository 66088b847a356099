import { growthFigure, routedLab } from '../../../lab/network/broken-path.ts';

export const lab = routedLab({
  problem: 'the container has no default route',
  fix: 'a default route by the router',
  break: async ({ net, client }) => void (await net.run(client, ['ip', 'route', 'delete', 'default'])),
  mend: async ({ net, client }) =>
    void (await net.run(client, ['ip', 'route', 'add', 'default', 'via', '10.77.0.1'])),
  figures: [growthFigure('packets without a route in 0.5 s', 'Ip.OutNoRoutes', ({ client }) => client)],
});
