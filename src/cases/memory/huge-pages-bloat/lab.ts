import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();
const reserved = 96;

async function start(bench: LabBench, way: 'huge' | 'small'): Promise<LabContainer> {
  const container = await bench.container({
    name: 'touches-little',
    program: {
      kind: 'node',
      file: new URL('./programs/sparse.ts', import.meta.url),
      args: [String(reserved), way],
    },
    limits: { memory: bytes(256 * MiB) },
  });
  await container.line(/^touched$/, 30_000);
  return container;
}

const touching = (says: string, way: 'huge' | 'small'): Scenario => ({
  says,
  start: bench => start(bench, way),
});

const sampleOf = (container: LabContainer) => {
  const sample = readMemoryAt(files, container.directories.memory ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  return sample.value;
};

export const lab: Lab = {
  makes: `one container that reserves ${reserved} MiB and touches a byte in each 2 MiB of it; changes nothing else`,
  seconds: 6,
  needs: [{ kind: 'controller', controller: 'memory' }, { kind: 'transparent-huge-pages' }],
  healthy: touching('small pages', 'small'),
  problem: touching('the allocator asks for huge pages', 'huge'),
  fix: {
    says: 'started without the tunable that asks for them',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'small');
    },
  },
  figures: [
    { name: 'memory charged', unit: 'bytes', read: container => sampleOf(container).usage },
    {
      name: 'transparent huge pages',
      unit: 'bytes',
      read: container => {
        const { breakdown } = sampleOf(container);
        return breakdown.present && breakdown.value.anonymousHuge.present
          ? breakdown.value.anonymousHuge.value
          : 0;
      },
    },
  ],
};
