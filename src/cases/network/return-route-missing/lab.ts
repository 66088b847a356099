import { growthFigure, routedLab, waitingFigure } from '../../../lab/network/broken-path.ts';

export const lab = routedLab({
  problem: 'the server has no route back',
  fix: 'a default route by the router',
  break: async ({ server }) => void (await server.run(['ip', 'route', 'delete', 'default'])),
  mend: async ({ server }) => void (await server.run(['ip', 'route', 'add', 'default', 'via', '10.78.0.1'])),
  figures: [
    waitingFigure,
    growthFigure('answers without a route in 0.5 s', 'Ip.OutNoRoutes', ({ server }) => server),
  ],
});
