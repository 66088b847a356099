import { openKernelFiles } from '../../linux/files.ts';
import { readNetCounters } from '../../linux/net/snmp.ts';
import type { ContainerSpec, LabBench, LabContainer } from '../lab.ts';
import type { LabHost, RunningProgram } from './network.ts';
import { networkPrograms } from './programs.ts';

export const routedServer = { address: '10.78.0.2', port: 7010 } as const;

export interface RoutedPair {
  readonly container: LabContainer;
  /** Between the two; its device towards the server is `up0`. */
  readonly router: LabHost;
  readonly server: LabHost;
  readonly serving: RunningProgram;
}

/**
 * A container, a router and a server that reads what comes. Each packet goes by itself: a queue drops or delays single
 * ones then, not bundles of 64 KiB. `prepare` is called before the container's program can reach the server.
 */
export async function makeRoutedPair(
  bench: LabBench,
  spec: ContainerSpec,
  prepare: (router: LabHost, server: LabHost) => Promise<void> = async () => {},
): Promise<RoutedPair> {
  const network = await bench.network();
  const router = await network.host('router', { forward: true });
  const server = await network.host('server');
  const container = await bench.container(spec);
  await network.link(
    { on: router, device: 'up0', addresses: ['10.78.0.1/24'] },
    { on: server, addresses: [`${routedServer.address}/24`], gateway: '10.78.0.1' },
  );
  for (const [host, device] of [
    [router, 'up0'],
    [server, 'eth0'],
  ] as const)
    await network.run(host, ['ip', 'link', 'set', 'dev', device, 'gso_max_segs', '1']);
  const serving = await server.start(networkPrograms.serve(routedServer.port));
  await serving.line(/^listening$/);
  await prepare(router, server);
  await network.link(
    { on: container, addresses: ['10.77.0.2/24'], gateway: '10.77.0.1' },
    { on: router, device: 'down0', addresses: ['10.77.0.1/24'] },
  );
  await network.run(container, ['ip', 'link', 'set', 'dev', 'eth0', 'gso_max_segs', '1']);
  return { container, router, server, serving };
}

/** Ends what the pair had beside the container; a new pair may have the same addresses. */
export async function stopRoutedPair({ container, router, server }: RoutedPair): Promise<void> {
  await container.stop();
  await router.stop();
  await server.stop();
}

const files = openKernelFiles();

/** Reads a counter of net/snmp or net/netstat in a container's own network: `Tcp.RetransSegs`. */
export const netCounter =
  (name: string) =>
  ({ init }: LabContainer): number => {
    const counters = readNetCounters(files, init);
    return counters.present ? (counters.value[name] ?? 0) : 0;
  };

/** Packets that the router's queues towards the server have dropped, as they count themselves. */
export async function queueDrops({ router }: RoutedPair): Promise<number> {
  const output = await router.run(['tc', '-s', 'qdisc', 'show', 'dev', 'up0']);
  return Number(/dropped (\d+)/.exec(output)?.[1] ?? Number.NaN);
}
