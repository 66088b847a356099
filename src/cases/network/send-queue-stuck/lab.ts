import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readNetCounters } from '../../../linux/net/snmp.ts';
import { eachConnection } from '../../../linux/net/sock-diag.ts';
import { inNamespace } from '../../../linux/syscalls/setns.ts';

const files = openKernelFiles();

async function start(bench: LabBench, way: 'reads' | 'stalls', state: RegExp): Promise<LabContainer> {
  const container = await bench.container({
    name: 'transfer',
    program: { kind: 'node', file: new URL('./programs/transfer.ts', import.meta.url), args: [way] },
  });
  await container.line(state, 20_000);
  return container;
}

/** In the send queue of the client. */
function unsent({ init }: LabContainer): number {
  let waiting = 0;
  const visit = inNamespace(files, init, 'net', () =>
    eachConnection(socket => {
      if (socket.remotePort === 7007) waiting = socket.unsent;
    }),
  );
  if (!visit.present) throw new Error(`${visit.what}: ${visit.remedy}`);
  return waiting;
}

const probes = ({ init }: LabContainer): number => {
  const counters = readNetCounters(files, init);
  return counters.present ? (counters.value['TcpExt.TCPWinProbe'] ?? 0) : 0;
};

export const lab: Lab = {
  makes:
    'one container with a network namespace of its own: a client that sends 3 MB/s to a server over loopback, at most some megabytes that nobody reads; changes nothing else',
  seconds: 9,
  needs: [],
  healthy: { says: 'the server reads', start: bench => start(bench, 'reads', /^moving$/) },
  problem: { says: 'the server does not read', start: bench => start(bench, 'stalls', /^stuck$/) },
  fix: {
    says: 'the same server goes on reading',
    apply: async (_, broken) => {
      broken.say('read');
      await new Promise(resolve => setTimeout(resolve, 1200));
      return broken;
    },
  },
  figures: [
    { name: 'bytes waiting to be sent', unit: 'bytes', read: unsent },
    { name: 'probes of the closed window', unit: 'count', read: probes },
  ],
};
