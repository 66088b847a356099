import {
  type RoutedPath,
  routedLab,
  serverAddress,
  serverPort,
  waitingFigure,
} from '../../../lab/network/broken-path.ts';
import { networkPrograms } from '../../../lab/network/programs.ts';

const clientAddress = '10.77.0.2/24';
const ownAddress = '10.77.0.3/24';
const twins = new WeakMap<RoutedPath, Awaited<ReturnType<RoutedPath['net']['host']>>>();

/** A second host on the container's bridge, that talks as much as it does. */
async function addTwin(path: RoutedPath): Promise<void> {
  const { net, router } = path;
  const twin = await net.host('twin');
  twins.set(path, twin);
  await net.link(
    { on: twin, addresses: [ownAddress], gateway: '10.77.0.1' },
    { on: router, device: 'port1', bridge: 'br0' },
  );
  const program = await twin.start(networkPrograms.connect(serverAddress, serverPort));
  await program.line(/^connected$/);
}

/** A new address, and a question by ARP that tells the router whose it is. */
async function readdress(path: RoutedPath, address: string): Promise<void> {
  const twin = twins.get(path);
  if (twin === undefined) throw new Error('the twin is not there yet');
  await twin.run(['ip', 'address', 'flush', 'dev', 'eth0', 'scope', 'global']);
  await twin.run(['ip', 'address', 'add', address, 'dev', 'eth0']);
  await twin.run(['ip', 'route', 'replace', 'default', 'via', '10.77.0.1']);
  await twin.run(['ip', 'neighbour', 'flush', 'dev', 'eth0']);
}

export const lab = routedLab({
  problem: "another host on the bridge has the container's address",
  fix: 'the other host has one of its own, and the router has forgotten',
  prepare: addTwin,
  break: path => readdress(path, clientAddress),
  mend: async path => {
    await readdress(path, ownAddress);
    await path.router.run(['ip', 'neighbour', 'flush', 'dev', 'br0']);
  },
  figures: [waitingFigure],
});
