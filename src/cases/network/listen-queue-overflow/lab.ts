import type { ContainerSpec, Lab, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readNetCounters } from '../../../linux/net/snmp.ts';
import { readListeningSockets } from '../../../linux/net/sock-diag.ts';

const files = openKernelFiles();

const server = (backlog: number): ContainerSpec => ({
  name: 'backlog',
  program: {
    kind: 'node',
    file: new URL('./programs/server.ts', import.meta.url),
    args: [String(backlog)],
  },
});

const overflows = ({ init }: LabContainer): number => {
  const counters = readNetCounters(files, init);
  return counters.present ? (counters.value['TcpExt.ListenOverflows'] ?? 0) : 0;
};

/** The limit that the kernel holds for the listening socket. */
const limitOf = ({ init }: LabContainer): number => {
  const sockets = readListeningSockets(files, init);
  const backlog = sockets.present ? sockets.value[0]?.backlog : undefined;
  return backlog?.present ? backlog.value : 0;
};

export const lab: Lab = {
  makes:
    'one container with a network namespace of its own: a server that accepts every 125 ms and up to 30 clients every 250 ms, over its own loopback; changes nothing else',
  seconds: 9,
  needs: [],
  healthy: {
    says: 'listen() with a backlog of 128',
    start: async bench => {
      const container = await bench.container(server(128));
      await container.line(/under load/);
      return container;
    },
  },
  problem: {
    says: 'listen() with a backlog of 5',
    start: async bench => {
      const container = await bench.container(server(5));
      await container.line(/under load/);
      return container;
    },
  },
  fix: {
    says: 'a backlog of 128 for the same clients',
    apply: async (bench, broken) => {
      await broken.stop();
      const container = await bench.container(server(128));
      await container.line(/under load/);
      return container;
    },
  },
  figures: [
    { name: 'full queue met', unit: 'count', read: overflows },
    { name: 'limit of the queue', unit: 'count', read: limitOf },
  ],
};
