import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
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

/** A slow way out of the router, with a queue for so many milliseconds of it. */
const shape = (verb: 'add' | 'change', milliseconds: number): readonly string[] =>
  `tc qdisc ${verb} dev up0 root tbf rate 50mbit burst 15k latency ${milliseconds}ms`.split(' ');

async function start(bench: LabBench, queueMs: number): Promise<LabContainer> {
  const pair = await makeRoutedPair(
    bench,
    {
      name: 'sender',
      program: networkPrograms.send(routedServer.address, routedServer.port, burst, patient(50)),
      sysctls: { 'net.ipv4.tcp_congestion_control': 'reno' },
      // Its packets are the matter, not the CPU, which it is to get also where there is one, and that emulated.
      limits: { cpuShares: 262_144 },
    },
    async router => void (await router.run(shape('add', queueMs))),
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
    'a container that sends bursts of 256 KiB, a router and a server, as network namespaces of their own with cables between them; changes nothing else',
  seconds: 10,
  needs: [{ kind: 'program', name: 'tc', package: 'iproute2' }],
  healthy: { says: 'a slow link with a queue of 400 ms', start: bench => start(bench, 400) },
  problem: { says: 'the same link with a queue of 5 ms', start: bench => start(bench, 5) },
  fix: {
    says: 'the queue made longer, everything else left as it is',
    apply: async (_, broken) => {
      await pairs.get(broken.init)?.router.run(shape('change', 400));
      // What is in the air is sent again once more.
      await new Promise(resolve => setTimeout(resolve, 1000));
      return broken;
    },
  },
  figures: [
    { name: 'segments sent again', unit: 'count', read: netCounter('Tcp.RetransSegs') },
    { name: 'dropped by the queue', unit: 'count', read: dropped },
  ],
};
