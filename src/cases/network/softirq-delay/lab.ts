import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import type { LabHost, LabNetwork } from '../../../lab/network/network.ts';
import { patient } from '../../../lab/patience.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readSoftnetStat } from '../../../linux/net/softnet_stat.ts';
import { readHostStat } from '../../../linux/proc/host/stat.ts';

const files = openKernelFiles();
const cpu = 1;
/** Each packet walks so many rules that match nothing: what a node with many services has. */
const rules = 8000;
/**
 * Packets a millisecond: few enough to be over before ksoftirqd is asked for help, which would pay for them itself. A CPU
 * that is emulated takes a fifth as many.
 */
const burst = 15;

interface Flood {
  readonly receiver: LabHost;
  readonly sender: LabHost;
}
let flood: Flood | undefined;

/** Which CPUs the receiving device hands its packets to, as a mask; 0 leaves them to the sender's. */
async function steer(network: LabNetwork, receiver: LabHost, mask: string): Promise<void> {
  // /sys shows the devices of the namespace that it was mounted in.
  const script = `mount -t sysfs none /sys && echo ${mask} > /sys/class/net/eth0/queues/rx-0/rps_cpus`;
  await network.run(receiver, ['unshare', '--mount', 'sh', '-c', script]);
}

async function startFlood(bench: LabBench, mask: string): Promise<Flood> {
  const network = await bench.network();
  const receiver = await network.host('receiver');
  const sender = await network.host('sender');
  await network.link(
    { on: sender, addresses: ['10.77.0.1/24'] },
    { on: receiver, addresses: ['10.77.0.2/24'] },
  );
  const lines = `i=0; while [ $i -lt ${rules} ]; do echo "-A INPUT -s 10.$((i / 256 + 100)).$((i % 256)).1/32 -j DROP"; i=$((i + 1)); done`;
  const table = `{ echo '*filter'; echo ':INPUT ACCEPT [0:0]'; ${lines}; echo COMMIT; } | iptables-restore`;
  await network.run(receiver, ['sh', '-c', table]);
  await steer(network, receiver, mask);
  const flooding = await sender.start({
    file: new URL('./programs/flood.ts', import.meta.url),
    args: ['10.77.0.2', '9', String(Math.ceil(burst / patient(1)))],
  });
  await network.run(sender, ['taskset', '-acp', '0', String(flooding.pid)]);
  await flooding.line(/^flooding/);
  return { receiver, sender };
}

async function start(bench: LabBench, mask: string): Promise<LabContainer> {
  const own = await startFlood(bench, mask);
  flood = own;
  const container = await bench.container({
    name: 'victim',
    program: { kind: 'node', file: new URL('./programs/work.ts', import.meta.url) },
    limits: { cpus: [cpu] },
  });
  await container.line(/^working$/, 20_000);
  const stop = async (): Promise<void> => {
    await container.stop();
    await own.sender.stop();
    await own.receiver.stop();
  };
  return { ...container, stop };
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds));

/** Of half a second on the victim's CPU, in percent; by ticks, as the kernel counts. */
async function softirqShare(): Promise<number> {
  const ticks = (): number => {
    const stat = readHostStat(files);
    return stat.present ? (stat.value.cpus.get(cpu)?.softInterrupt ?? 0) : 0;
  };
  const before = ticks();
  await pause(500);
  return Math.round((ticks() - before) * 2);
}

async function packets(): Promise<number> {
  const taken = (): number => {
    const stat = readSoftnetStat(files);
    return stat.present ? (stat.value.get(cpu)?.packets ?? 0) : 0;
  };
  const before = taken();
  await pause(500);
  return taken() - before;
}

export const lab: Lab = {
  makes: `two network namespaces with a cable between them and a flood of UDP packets in it, ${rules} firewall rules in one of them, and a container that computes on CPU ${cpu}; changes nothing else`,
  seconds: 14,
  needs: [
    { kind: 'cpus', count: 2 },
    { kind: 'controller', controller: 'cpuset' },
    { kind: 'program', name: 'iptables-restore', package: 'iptables' },
  ],
  healthy: { says: 'the flood is received on the CPU that sends it', start: bench => start(bench, '0') },
  problem: { says: `the flood is handed to CPU ${cpu} (RPS)`, start: bench => start(bench, '2') },
  fix: {
    says: 'the receive steering taken off that CPU',
    apply: async (bench, broken) => {
      if (flood !== undefined) await steer(await bench.network(), flood.receiver, '0');
      await pause(300);
      return broken;
    },
  },
  figures: [
    { name: 'softirqs on its CPU', unit: 'percent', read: softirqShare },
    { name: 'packets on its CPU in 0.5 s', unit: 'count', read: packets },
  ],
};
