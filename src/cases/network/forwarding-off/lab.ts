import { growthFigure, routedLab, waitingFigure } from '../../../lab/network/broken-path.ts';

export const lab = routedLab({
  problem: 'the router has net.ipv4.ip_forward 0',
  fix: 'net.ipv4.ip_forward 1',
  break: ({ router }) => router.set({ 'net.ipv4.ip_forward': '0' }),
  mend: ({ router }) => router.set({ 'net.ipv4.ip_forward': '1' }),
  figures: [
    waitingFigure,
    growthFigure('thrown away by the router in 0.5 s', 'Ip.InAddrErrors', ({ router }) => router),
  ],
});
