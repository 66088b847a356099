import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import type { LabHost, RunningProgram } from '../../../lab/network/network.ts';
import { networkPrograms } from '../../../lab/network/programs.ts';
import { patient } from '../../../lab/patience.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { eachConnection } from '../../../linux/net/sock-diag.ts';
import { inNamespace } from '../../../linux/syscalls/setns.ts';

const files = openKernelFiles();
const inside = { address: '10.77.0.2', port: 8000 };
const client = '10.78.0.2';
const published = { address: '10.78.0.1', port: 8080 };
const forward = `iptables -t nat -A PREROUTING -p tcp --dport ${published.port} -j DNAT --to-destination ${inside.address}:${inside.port}`;

interface Built {
  readonly gateway: LabHost;
  readonly clients: LabHost;
  readonly visiting: RunningProgram;
}
const built = new Map<number, Built>();

const program = (name: string, ...args: readonly (string | number)[]) => ({
  file: new URL(`./programs/${name}.ts`, import.meta.url),
  args: args.map(String),
});

/** As an engine publishes a port: a NAT rule, and a program that listens beside it. */
async function start(bench: LabBench, translated: boolean): Promise<LabContainer> {
  const network = await bench.network();
  const gateway = await network.host('gateway', { forward: true });
  const clients = await network.host('clients');
  const container = await bench.container({
    name: 'published',
    program: networkPrograms.serve(inside.port),
    limits: { cpuShares: 262_144 },
  });
  await network.link(
    { on: container, addresses: [`${inside.address}/24`], gateway: '10.77.0.1' },
    { on: gateway, device: 'down0', addresses: ['10.77.0.1/24'] },
  );
  await network.link(
    { on: clients, addresses: [`${client}/24`], gateway: published.address },
    { on: gateway, device: 'up0', addresses: [`${published.address}/24`] },
  );
  await container.line(/^listening$/);
  const relay = await gateway.start(program('relay', published.port, inside.address, inside.port));
  await relay.line(/^relaying$/);
  if (translated) await gateway.run(forward.split(' '));
  const visiting = await clients.start(program('clients', published.address, published.port, patient(1)));
  await visiting.line(/^connected$/, 20_000);
  built.set(container.init, { gateway, clients, visiting });
  const stop = async (): Promise<void> => {
    await container.stop();
    await gateway.stop();
    await clients.stop();
  };
  return { ...container, stop };
}

/** Connections to the container whose other end is this address. */
const connectionsFrom =
  (address: string) =>
  ({ init }: LabContainer): number => {
    let count = 0;
    const visit = inNamespace(files, init, 'net', () =>
      eachConnection(socket => {
        const { localPort, remote, state } = socket.keep();
        if (localPort === inside.port && remote === address && state === 'ESTAB') count += 1;
      }),
    );
    if (!visit.present) throw new Error(`${visit.what}: ${visit.remedy}`);
    return count;
  };

export const lab: Lab = {
  makes:
    'a container, its gateway with a program that relays a port, and a client, as network namespaces of their own with cables between them; changes nothing else',
  seconds: 12,
  needs: [{ kind: 'program', name: 'iptables', package: 'iptables' }],
  healthy: { says: 'NAT and a relay: packets take NAT', start: bench => start(bench, true) },
  problem: { says: 'the NAT rules flushed: the relay serves the port', start: bench => start(bench, false) },
  fix: {
    says: 'the NAT rule put back; clients come again',
    apply: async (_, broken) => {
      await built.get(broken.init)?.gateway.run(forward.split(' '));
      // Connections that exist stay where they are: until each has been made anew.
      await new Promise(resolve => setTimeout(resolve, patient(2500)));
      return broken;
    },
  },
  figures: [
    { name: 'connections from the client', unit: 'count', read: connectionsFrom(client) },
    { name: 'connections from the gateway', unit: 'count', read: connectionsFrom('10.77.0.1') },
  ],
};
