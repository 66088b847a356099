import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/** Session files that nobody cleans up: empty, so that they hold nothing but an inode and a name. */
const program = (count: number): string => `
  trap 'exit 0' TERM
  mkdir /dev/shm/sessions
  i=0; while [ $i -lt ${count} ]; do : > /dev/shm/sessions/$i; i=$((i+1)); done
  echo "made ${count} files"
  while read -r word; do rm -r /dev/shm/sessions; echo removed; done`;

const making = (count: number): Scenario => ({
  says: `${count} empty files on tmpfs, limit 64 MiB`,
  start: async (bench: LabBench): Promise<LabContainer> => {
    const container = await bench.container({
      name: 'makes-files',
      program: { kind: 'shell', script: program(count) },
      limits: { memory: bytes(64 * MiB) },
    });
    await container.line(/^made /, 60_000);
    return container;
  },
});

const breakdownOf = (container: LabContainer) => {
  const sample = readMemoryAt(files, container.directories.memory ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  if (!sample.value.breakdown.present) throw new Error(sample.value.breakdown.remedy);
  return sample.value.breakdown.value;
};

export const lab: Lab = {
  makes:
    'one container with a memory limit of 64 MiB and 2,000 or 48,000 empty files in its /dev/shm; changes nothing else',
  seconds: 8,
  needs: [{ kind: 'controller', controller: 'memory' }],
  healthy: making(2_000),
  problem: making(48_000),
  fix: {
    says: 'the files are deleted',
    apply: async (_, broken) => {
      broken.say('remove');
      await broken.line(/^removed$/, 60_000);
      return broken;
    },
  },
  figures: [
    {
      name: 'kernel memory',
      unit: 'bytes',
      read: container => {
        const { kernel } = breakdownOf(container);
        return kernel.present ? kernel.value : 0;
      },
    },
    {
      name: 'files and processes',
      unit: 'bytes',
      read: container => {
        const { anonymous, file, shared } = breakdownOf(container);
        return anonymous + file + shared;
      },
    },
  ],
};
