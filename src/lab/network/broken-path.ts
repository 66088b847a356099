import { openKernelFiles } from '../../linux/files.ts';
import { readNetCounters } from '../../linux/net/snmp.ts';
import { readWaiting } from '../../linux/net/waiting.ts';
import { orElse } from '../../linux/reading.ts';
import type { FigureReader, Lab, LabBench, LabContainer, LabNeed } from '../lab.ts';
import type { LabHost, LabNetwork, NetworkPlace } from './network.ts';
import { networkPrograms } from './programs.ts';

/**
 * The smallest network in which every hop can break: a container on a bridge of a router, and behind that router a
 * server on port 8080, all of it network namespaces.
 *
 *     client eth0 10.77.0.2 ── port0 [br0 10.77.0.1 router up0 10.78.0.1] ── eth0 10.78.0.2 server
 */
export interface RoutedPath {
  readonly net: LabNetwork;
  readonly client: LabContainer;
  readonly router: LabHost;
  readonly server: LabHost;
}

export interface RoutedLabPlan {
  /** What is wrong with the path, beyond the client trying ten times a second. */
  readonly problem: string;
  readonly fix: string;
  /** Beyond ip(8). */
  readonly needs?: readonly LabNeed[];
  /** What the client sends on each connection, 1 byte when left out. */
  readonly bytes?: number;
  /** Done to all three stages before the client tries. */
  readonly prepare?: (path: RoutedPath) => Promise<void>;
  break(path: RoutedPath): Promise<void>;
  mend(path: RoutedPath): Promise<void>;
  readonly figures: readonly RoutedFigure[];
}

export interface RoutedFigure extends Omit<FigureReader, 'read'> {
  read(path: RoutedPath): number | Promise<number>;
}

export const serverAddress = '10.78.0.2';
export const serverPort = 8080;

/** A lab on that network: the path whole, then broken while the client uses it, then mended under it. */
export function routedLab(plan: RoutedLabPlan): Lab {
  const paths = new WeakMap<LabContainer, RoutedPath>();
  const pathOf = (container: LabContainer): RoutedPath => {
    const path = paths.get(container);
    if (path === undefined) throw new Error(`${container.name} is not of this lab`);
    return path;
  };
  const start = async (bench: LabBench): Promise<RoutedPath> => {
    const path = await makePath(bench, plan.bytes ?? 0);
    paths.set(path.client, path);
    await plan.prepare?.(path);
    await path.client.line(/^connected$/);
    return path;
  };
  return {
    makes:
      'one container and two hosts as network namespaces of their own: a client that connects ten times a second, a router with a bridge, a server; changes nothing else',
    seconds: 14,
    needs: [{ kind: 'program', name: 'ip', package: 'iproute2' }, ...(plan.needs ?? [])],
    healthy: {
      says: 'every hop lets packets pass',
      start: async bench => (await start(bench)).client,
    },
    problem: {
      says: plan.problem,
      start: async bench => {
        const path = await start(bench);
        await plan.break(path);
        await path.client.line(/^failed/);
        return path.client;
      },
    },
    fix: {
      says: plan.fix,
      apply: async (_bench, broken) => {
        const path = pathOf(broken);
        await plan.mend(path);
        await broken.line(/^connected$/);
        await untilCalm(path);
        return broken;
      },
    },
    figures: plan.figures.map(({ read, ...figure }) => ({
      ...figure,
      read: container => read(pathOf(container)),
    })),
  };
}

async function makePath(bench: LabBench, bytes: number): Promise<RoutedPath> {
  const net = await bench.network();
  const router = await net.host('router', { forward: true });
  const server = await net.host('server');
  const client = await bench.container({
    name: 'client',
    program: networkPrograms.connect(serverAddress, serverPort, bytes),
    // It needs next to nothing, and must not be the victim of whatever else runs here.
    limits: { cpuShares: 262_144 },
  });
  await net.bridge(router, 'br0', ['10.77.0.1/24']);
  await net.link(
    { on: client, addresses: ['10.77.0.2/24'], gateway: '10.77.0.1' },
    { on: router, device: 'port0', bridge: 'br0' },
  );
  await net.link(
    { on: router, device: 'up0', addresses: ['10.78.0.1/24'] },
    { on: server, addresses: [`${serverAddress}/24`], gateway: '10.78.0.1' },
  );
  const serving = await server.start(networkPrograms.serve(serverPort));
  await serving.line(/^listening$/);
  return { net, client, router, server };
}

const files = openKernelFiles();

/** Connections of the client that sent something again and have no answer. */
const waitingIn = ({ client }: RoutedPath): number =>
  orElse(readWaiting(files, client.init), []).filter(({ retransmits }) => retransmits > 0).length;

/**
 * What was begun while the path was broken gives up within its patience, or is sent again once more, after at most twice
 * the time that it has waited, and arrives: until then `retransmissions` would be found, truly and confusingly.
 */
async function untilCalm(path: RoutedPath): Promise<void> {
  const sentAgain = (): number => counterOf(path.client, 'Tcp.RetransSegs');
  for (let left = 40; left > 0; left -= 1) {
    const before = sentAgain();
    await new Promise(resolve => setTimeout(resolve, 500));
    if (waitingIn(path) === 0 && sentAgain() === before) return;
  }
}

export const waitingFigure: RoutedFigure = {
  name: 'connections without an answer',
  unit: 'count',
  read: waitingIn,
};

const counterOf = (place: NetworkPlace, name: string): number =>
  orElse(readNetCounters(files, place.init), {})[name] ?? 0;

/** How much a counter of a place grows in half a second. */
export const growthFigure = (
  name: string,
  counter: string,
  placeOf: (path: RoutedPath) => NetworkPlace,
): RoutedFigure => ({
  name,
  unit: 'count',
  read: async path => {
    const before = counterOf(placeOf(path), counter);
    await new Promise(resolve => setTimeout(resolve, 500));
    return counterOf(placeOf(path), counter) - before;
  },
});
