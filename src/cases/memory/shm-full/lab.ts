import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/** dd stops at the first write that is refused. What it could write stays. */
const program = (size: number): string => `
  trap 'exit 0' TERM
  if dd if=/dev/zero of=/dev/shm/frames bs=64k count=${(size / MiB) * 16} 2>/tmp/why; then refused=0; else refused=1; fi
  echo written
  echo "refused $refused"
  while :; do sleep 60 & wait $!; done`;

const writing = (size: number, room: number): Scenario => ({
  says: `${size / MiB} MiB into a /dev/shm of ${room / MiB} MiB`,
  start: (bench: LabBench): Promise<LabContainer> => start(bench, size, room),
});

async function start(bench: LabBench, size: number, room: number): Promise<LabContainer> {
  const container = await bench.container({
    name: 'writes-frames',
    program: { kind: 'shell', script: program(size) },
    sharedMemorySize: bytes(room),
  });
  await container.line(/^written$/);
  return container;
}

export const lab: Lab = {
  makes:
    'one container with a /dev/shm of 16 MiB, for the fix 32 MiB, that a file of 8 or 24 MiB is written to; changes nothing else',
  seconds: 6,
  needs: [{ kind: 'controller', controller: 'memory' }],
  healthy: writing(8 * MiB, 16 * MiB),
  problem: writing(24 * MiB, 16 * MiB),
  fix: {
    says: '/dev/shm of 32 MiB',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 24 * MiB, 32 * MiB);
    },
  },
  figures: [
    {
      name: 'writes refused (ENOSPC)',
      unit: 'count',
      read: async container => Number((await container.line(/^refused /)).split(' ')[1]),
    },
    {
      name: 'shared memory',
      unit: 'bytes',
      read: container => {
        const sample = readMemoryAt(files, container.directories.memory ?? '');
        if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
        return sample.value.breakdown.present ? sample.value.breakdown.value.shared : 0;
      },
    },
  ],
};
