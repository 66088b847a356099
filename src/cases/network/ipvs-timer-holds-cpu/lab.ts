import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readVirtualServices } from '../../../linux/net/ip_vs.ts';
import { hostPid, parseCount } from '../../../linux/units.ts';

const files = openKernelFiles();
const few = 10;
const many = 1000;

/** Something that runs all the time: whatever holds the CPU is a hole in its time. */
const program = { kind: 'node', file: new URL('./programs/gaps.ts', import.meta.url) } as const;

const onHost = async (container: LabContainer, script: string): Promise<void> => {
  const { code, output } = await container.run(['/bin/sh', '-c', script], []);
  if (code !== 0) throw new Error(output.trim());
};

/** By firewall marks: no address is taken, and no packet is marked. Two lines a service, for ipvsadm --restore. */
const services = (count: number): string =>
  `modprobe ip_vs && sysctl -q -w net.ipv4.vs.run_estimation=1 && ipvsadm -C && i=0 && while [ $i -lt ${count} ]; do i=$((i + 1)); echo "-A -f $i -s rr"; echo "-a -f $i -r 10.50.$((i / 250)).$((i % 250 + 1)):0 -g"; done | ipvsadm -R`;

async function start(bench: LabBench, count: number): Promise<LabContainer> {
  const container = await bench.container({ name: 'gaps', program });
  await container.line(/^looking$/);
  await onHost(container, services(count));
  return {
    ...container,
    stop: async () => {
      await onHost(container, 'ipvsadm -C');
      await container.stop();
    },
  };
}

/** The longest time in which it did not get on, of those that come every 2 s. */
async function longestHole(container: LabContainer): Promise<number> {
  container.say('watch');
  return parseCount((await container.line(/^hole \d+$/)).split(' ')[1]) ?? 0;
}

export const lab: Lab = {
  makes: `a container that looks at the clock all the time, and up to ${many} IPVS services in the network of the whole machine, so it runs in a virtual machine only`,
  seconds: 60,
  needs: [
    { kind: 'disposable-host' },
    // One CPU adds up its counters so fast that it takes 50,000 services.
    { kind: 'possible-cpus', count: 128 },
    { kind: 'program', name: 'ipvsadm', package: 'ipvsadm' },
  ],
  healthy: {
    says: `${few} services`,
    start: bench => start(bench, few),
  },
  problem: {
    says: `${many} services, for each the counters of 128 CPUs`,
    start: bench => start(bench, many),
  },
  fix: {
    says: 'net.ipv4.vs.run_estimation=0, with as many services',
    apply: async (_, broken) => {
      await onHost(broken, 'sysctl -q -w net.ipv4.vs.run_estimation=0');
      return broken;
    },
  },
  figures: [
    {
      name: 'services',
      unit: 'count',
      read: () => {
        const reading = readVirtualServices(files, hostPid(1));
        return reading.present ? reading.value.services : 0;
      },
    },
    { name: 'hole in its time every 2 s', unit: 'us', read: longestHole },
  ],
};
