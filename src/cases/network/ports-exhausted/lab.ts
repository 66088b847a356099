import type { ContainerSpec, Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { eachConnection } from '../../../linux/net/sock-diag.ts';
import { inNamespace } from '../../../linux/syscalls/setns.ts';

const files = openKernelFiles();
const wanted = 150;

const clients = (range: string): ContainerSpec => ({
  name: 'ports',
  program: {
    kind: 'node',
    file: new URL('./programs/clients.ts', import.meta.url),
    args: [String(wanted)],
  },
  sysctls: { 'net.ipv4.ip_local_port_range': range },
});

async function start(bench: LabBench, range: string): Promise<LabContainer> {
  const container = await bench.container(clients(range));
  await container.line(/^holding/);
  return container;
}

/** connect() calls that failed, as the program counted them. */
async function refused(container: LabContainer): Promise<number> {
  container.say('how often?');
  return Number((await container.line(/^refused \d+$/)).replace('refused ', ''));
}

/** The client's ends: those whose destination is the server. */
function portsHeld({ init }: LabContainer): number {
  let held = 0;
  const visit = inNamespace(files, init, 'net', () =>
    eachConnection(({ remotePort }) => {
      if (remotePort === 7006) held += 1;
    }),
  );
  if (!visit.present) throw new Error(`${visit.what}: ${visit.remedy}`);
  return held;
}

export const lab: Lab = {
  makes: `one container with a network namespace of its own: a server and a client that wants ${wanted} connections to it over loopback; changes nothing else`,
  seconds: 8,
  needs: [],
  healthy: {
    says: `${wanted} connections, 1000 local ports`,
    start: bench => start(bench, '40000 40999'),
  },
  problem: {
    says: `${wanted} connections, 100 local ports`,
    start: bench => start(bench, '40000 40099'),
  },
  fix: {
    says: 'the range widened to 1000 ports, the container left as it is',
    apply: async (_, broken) => {
      const { code, output } = await broken.run(
        ['sysctl', '-w', 'net.ipv4.ip_local_port_range=40000 40999'],
        ['net'],
      );
      if (code !== 0) throw new Error(`sysctl: ${output}`);
      await new Promise(resolve => setTimeout(resolve, 600));
      return broken;
    },
  },
  figures: [
    { name: 'ports in use', unit: 'count', read: portsHeld },
    { name: 'connect() failed so far', unit: 'count', read: refused },
  ],
};
