import type { ContainerSpec, Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

const program = {
  kind: 'node',
  file: new URL('./programs/serve-low-port.ts', import.meta.url),
} as const;

/** What it was made privileged for: the one thing that it does. */
const leastSet = { user: 'root', capabilities: ['NET_BIND_SERVICE'] } as const;

async function start(bench: LabBench, privileges: Partial<ContainerSpec>): Promise<LabContainer> {
  const container = await bench.container({
    name: 'web',
    program,
    // Docker opens these ports to all; the kernel's default is asked for, so that both engines are alike.
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '1024' },
    limits: { cpuShares: 262_144 },
    ...privileges,
  });
  await container.line(/^serving$/);
  return container;
}

async function ask(container: LabContainer, what: 'serves' | 'may'): Promise<number> {
  container.say(what);
  const line = await container.line(new RegExp(`^${what} \\d+$`));
  return Number(line.slice(what.length + 1));
}

export const lab: Lab = {
  makes:
    'a container that serves port 80 of its own network, once with every privilege, and tries what only root of the host may: a mount, a higher priority, and to route packets; changes nothing else',
  seconds: 8,
  needs: [],
  healthy: { says: 'one capability, NET_BIND_SERVICE', start: bench => start(bench, leastSet) },
  problem: {
    says: 'privileged, as somebody advised',
    start: bench => start(bench, { user: 'root', privileged: true }),
  },
  fix: {
    says: 'started again with the one capability',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, leastSet);
    },
  },
  figures: [
    { name: "acts of the host's root that succeeded, of 3", unit: 'count', read: each => ask(each, 'may') },
    { name: 'answers on port 80', unit: 'count', read: each => ask(each, 'serves') },
  ],
};
