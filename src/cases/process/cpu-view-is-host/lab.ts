import type { Lab, LabBench, LabContainer, Limits } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readAllowedCpus, readStatus } from '../../../linux/proc/status.ts';
import { orElse } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';

const period = microseconds(100_000);
const halfCpu: Limits = { cpu: { quota: microseconds(50_000), period } };
const files = openKernelFiles();

async function start(bench: LabBench, limits: Limits): Promise<LabContainer> {
  const container = await bench.container({
    name: 'pool',
    program: { kind: 'node', file: new URL('./programs/pool.ts', import.meta.url) },
    limits,
  });
  await container.line(/^ready$/, 20_000);
  return container;
}

const allowedOf = ({ init }: LabContainer): readonly number[] => orElse(readAllowedCpus(files, init), []);

export const lab: Lab = {
  makes:
    'two containers, one after the other, each with a pool that makes one thread per CPU it sees; changes nothing else',
  seconds: 8,
  needs: [
    { kind: 'controller', controller: 'cpu' },
    { kind: 'controller', controller: 'cpuset' },
    { kind: 'cpus', count: 2 },
  ],
  healthy: {
    says: 'no CPU limit: what it sees is what it may use',
    start: bench => start(bench, { cpu: { quota: 'max', period } }),
  },
  problem: { says: 'a limit of 0.5 CPU', start: bench => start(bench, halfCpu) },
  fix: {
    says: 'the same limit on one CPU of its own, started again',
    apply: async (bench, broken) => {
      const cpus = allowedOf(broken).slice(0, 1);
      await broken.stop();
      return start(bench, { ...halfCpu, cpus });
    },
  },
  figures: [
    { name: 'CPUs that nproc sees', unit: 'count', read: container => allowedOf(container).length },
    {
      name: 'threads',
      unit: 'count',
      read: ({ init }) => {
        const status = readStatus(files, init);
        return status.present ? status.value.threads : 0;
      },
    },
  ],
};
