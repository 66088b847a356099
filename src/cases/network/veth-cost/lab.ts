import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import type { LabHost, LabNetwork, NetworkPlace } from '../../../lab/network/network.ts';
import { addOver, measureWays, sayWays } from '../../../lab/network/ways.ts';
import { patient } from '../../../lab/patience.ts';

const port = 7011;
const program = (name: string, ...args: readonly (string | number)[]) =>
  ({
    kind: 'node',
    file: new URL(`./programs/${name}.ts`, import.meta.url),
    args: args.map(String),
  }) as const;

/**
 * At once, how often in ms, and in how many pieces. No emulated CPU runs 5000 calls a second of two programs: there the
 * kernel makes twelve packets of each call, by fragmentation.
 */
const pace = patient(1) > 1 ? [4, 20, 12] : [25, 5, 1];

interface Built {
  readonly network: LabNetwork;
  readonly host: LabHost;
  readonly server: LabHost;
}
const built = new Map<number, Built>();

/** A container that exchanges packets with a neighbour on the same host, both attached in the same way. */
async function start(bench: LabBench, way: 'veth' | 'macvlan'): Promise<LabContainer> {
  const network = await bench.network();
  const host = await network.host('node');
  const server = await network.host('neighbour');
  const container = await bench.container({
    name: 'pinging',
    program: program('ping', '10.77.0.3', port, ...pace),
    limits: { cpuShares: 262_144 },
  });
  const echo = await server.start(program('echo', port));
  await echo.line(/^listening$/);
  if (way === 'veth') await attachByBridge(network, host, container, server);
  else await attachByMacvlan(network, host, container, server);
  built.set(container.init, { network, host, server });
  await container.line(/^running$/, 20_000);
  const stop = async (): Promise<void> => {
    await container.stop();
    await server.stop();
    await host.stop();
  };
  return { ...container, stop };
}

async function attachByBridge(
  network: LabNetwork,
  host: LabHost,
  ...places: readonly NetworkPlace[]
): Promise<void> {
  await network.bridge(host, 'br0', ['10.77.0.1/24']);
  for (const [index, place] of places.entries())
    await network.link(
      { on: place, addresses: [`10.77.0.${index + 2}/24`] },
      { on: host, device: `port${index}`, bridge: 'br0' },
    );
}

async function attachByMacvlan(
  network: LabNetwork,
  host: LabHost,
  ...places: readonly NetworkPlace[]
): Promise<void> {
  await network.run(host, ['ip', 'link', 'add', 'card0', 'type', 'veth', 'peer', 'name', 'card1']);
  for (const device of ['card0', 'card1']) await network.run(host, ['ip', 'link', 'set', device, 'up']);
  for (const [index, place] of places.entries())
    await addOver(network, host, 'card0', place, `10.77.0.${index + 2}/24`);
}

/** Packets that the node's own devices moved in half a second: each is one more hop of a packet of the container. */
async function hopPackets({ init }: LabContainer): Promise<number> {
  const moved = async (): Promise<number> => {
    const text = (await built.get(init)?.host.run(['cat', '/proc/self/net/dev'])) ?? '';
    return [...text.matchAll(/^\s*(?:port|br)\w*:\s*\d+\s+(\d+)/gm)].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  };
  const before = await moved();
  await new Promise(resolve => setTimeout(resolve, 500));
  return (await moved()) - before;
}

export const lab: Lab = {
  makes:
    'a container, a node and a neighbour as network namespaces of their own with cables, a bridge and macvlans between them, and up to nine more to measure in; changes nothing else',
  seconds: 15,
  needs: [{ kind: 'program', name: 'iptables', package: 'iptables' }],
  healthy: { says: 'container and neighbour on macvlans', start: bench => start(bench, 'macvlan') },
  problem: { says: 'the same on veth pairs and a bridge', start: bench => start(bench, 'veth') },
  fix: {
    says: 'taken off the bridge, put on macvlans; the programs run on',
    apply: async (_, broken) => {
      const made = built.get(broken.init);
      if (made === undefined) throw new Error('not made here');
      const { network, host, server } = made;
      for (const device of ['port0', 'port1', 'br0']) await network.run(host, ['ip', 'link', 'del', device]);
      await attachByMacvlan(network, host, broken, server);
      await new Promise(resolve => setTimeout(resolve, 1200));
      return broken;
    },
  },
  figures: [{ name: 'packets on the ports of the bridge in 0.5 s', unit: 'count', read: hopPackets }],
  table: {
    title: 'A small packet there and back, in µs: the middle of 300, and 10 to 90 %',
    columns: ['usual', '10 %', '90 %', 'adds'],
    measure: measureWays,
    say: sayWays,
  },
};
