import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import type { LabHost } from '../../../lab/network/network.ts';
import { networkPrograms } from '../../../lab/network/programs.ts';
import {
  makeRoutedPair,
  netCounter,
  queueDrops,
  type RoutedPair,
  routedServer,
  stopRoutedPair,
} from '../../../lab/network/routed.ts';
import { patient } from '../../../lab/patience.ts';

const burst = 256 * 1024;
const pairs = new Map<number, RoutedPair>();
const detour =
  'iptables -t mangle -A POSTROUTING -p tcp -m statistic --mode nth --every 10 --packet 0 -j CLASSIFY --set-class 1:20';

/** Two queues towards the server, both with room for all that comes: a quick one, and one a tenth as quick. */
async function twoQueues(router: LabHost): Promise<void> {
  for (const command of [
    'tc qdisc add dev up0 root handle 1: htb default 10 r2q 1000',
    'tc class add dev up0 parent 1: classid 1:10 htb rate 200mbit burst 30k',
    'tc class add dev up0 parent 1: classid 1:20 htb rate 10mbit',
  ])
    await router.run(command.split(' '));
}

async function start(bench: LabBench, reordering: boolean): Promise<LabContainer> {
  const pair = await makeRoutedPair(
    bench,
    {
      name: 'sender',
      program: networkPrograms.send(routedServer.address, routedServer.port, burst, patient(100)),
      sysctls: { 'net.ipv4.tcp_congestion_control': 'reno' },
      // Its packets are the matter, not the CPU, which it is to get also where there is one, and that emulated.
      limits: { cpuShares: 262_144 },
    },
    async router => {
      await twoQueues(router);
      if (reordering) await router.run(detour.split(' '));
    },
  );
  pairs.set(pair.container.init, pair);
  await pair.container.line(/^sending$/, 20_000);
  return { ...pair.container, stop: () => stopRoutedPair(pair) };
}

function dropped({ init }: LabContainer): Promise<number> {
  const pair = pairs.get(init);
  return pair === undefined ? Promise.resolve(Number.NaN) : queueDrops(pair);
}

export const lab: Lab = {
  makes:
    'a container that sends bursts of 256 KiB, a router with two queues and a server, as network namespaces of their own with cables between them; changes nothing else',
  seconds: 10,
  needs: [
    { kind: 'program', name: 'tc', package: 'iproute2' },
    { kind: 'program', name: 'iptables', package: 'iptables' },
  ],
  healthy: { says: 'all packets go through one queue', start: bench => start(bench, false) },
  problem: { says: 'every tenth packet takes a slower queue', start: bench => start(bench, true) },
  fix: {
    says: 'the rule removed: one queue for the connection',
    apply: async (_, broken) => {
      await pairs.get(broken.init)?.router.run(detour.replace(' -A ', ' -D ').split(' '));
      await new Promise(resolve => setTimeout(resolve, 1000));
      return broken;
    },
  },
  figures: [
    { name: 'segments sent again', unit: 'count', read: netCounter('Tcp.RetransSegs') },
    { name: 'of these received twice', unit: 'count', read: netCounter('TcpExt.TCPDSACKRecv') },
    { name: 'dropped', unit: 'count', read: dropped },
  ],
};
