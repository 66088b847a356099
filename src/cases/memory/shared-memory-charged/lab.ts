import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { flatMapReading } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/** dd ends at once; what it wrote to tmpfs stays charged. Told to, PID 1 deletes the file. */
const program = (size: number): string => `
  trap 'exit 0' TERM
  dd if=/dev/zero of=/dev/shm/cache bs=1M count=${size / MiB} 2>/dev/null
  echo "wrote ${size / MiB} MiB"
  while read -r word; do rm /dev/shm/cache; echo removed; done`;

const writing = (size: number): Scenario => ({
  says: `${size / MiB} MiB in /dev/shm, limit 64 MiB`,
  start: async (bench: LabBench): Promise<LabContainer> => {
    const container = await bench.container({
      name: 'fills-shm',
      program: { kind: 'shell', script: program(size) },
      limits: { memory: bytes(64 * MiB) },
    });
    await container.line(/^wrote /);
    return container;
  },
});

const sampleOf = (container: LabContainer) => {
  const sample = readMemoryAt(files, container.directories.memory ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  return sample.value;
};

export const lab: Lab = {
  makes:
    'one container with a memory limit of 64 MiB and a file of 4 or 40 MiB in its /dev/shm; changes nothing else',
  seconds: 6,
  needs: [{ kind: 'controller', controller: 'memory' }],
  healthy: writing(4 * MiB),
  problem: writing(40 * MiB),
  fix: {
    says: 'the file is deleted',
    apply: async (_, broken) => {
      broken.say('remove');
      await broken.line(/^removed$/);
      return broken;
    },
  },
  figures: [
    {
      name: 'shared memory',
      unit: 'bytes',
      read: container => {
        const { breakdown } = sampleOf(container);
        return breakdown.present ? breakdown.value.shared : 0;
      },
    },
    {
      name: 'RssShmem of PID 1',
      unit: 'bytes',
      read: container => {
        const memory = flatMapReading(readStatus(files, container.init), status => status.memory);
        return memory.present ? memory.value.residentShared : 0;
      },
    },
  ],
};
