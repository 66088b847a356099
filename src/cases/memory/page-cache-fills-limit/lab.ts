import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/**
 * Makes a file and reads it. The container makes it itself, because who touches a page first is charged for it: a
 * file that the host has cached already would cost the container nothing. conv=fsync: what is written back can be
 * dropped, and the limit is met by clean pages, not by a disk that is too slow.
 */
const program = (size: number): string => `
  trap 'exit 0' TERM
  dd if=/dev/zero of=/data/file bs=1M count=${size / MiB} conv=fsync 2>/dev/null
  look() { cat /data/file > /dev/null; echo "read ${size / MiB} MiB"; }
  look
  while read -r again; do look; done`;

const reading = (size: number): Scenario => ({
  says: `reads ${size / MiB} MiB, limit 64 MiB`,
  start: async (bench: LabBench): Promise<LabContainer> => {
    const container = await bench.container({
      name: 'reads-file',
      program: { kind: 'shell', script: program(size) },
      limits: { memory: bytes(64 * MiB) },
      binds: [{ source: await bench.directory('data'), target: '/data', writable: true }],
    });
    await container.line(/^read /);
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
    'one container with a memory limit of 64 MiB that writes and reads a file of 8 or 160 MiB in a directory of the lab; changes nothing else',
  seconds: 10,
  needs: [
    { kind: 'controller', controller: 'memory' },
    { kind: 'disk', free: bytes(512 * MiB) },
  ],
  healthy: reading(8 * MiB),
  problem: reading(160 * MiB),
  fix: {
    says: 'limit 256 MiB, read again',
    apply: async (_, broken) => {
      await broken.setLimits({ memory: bytes(256 * MiB) });
      broken.say('again');
      await broken.line(/^read /);
      return broken;
    },
  },
  figures: [
    {
      name: 'usage of limit',
      unit: 'percent',
      read: container => {
        const { usage, limit } = sampleOf(container);
        return limit.kind === 'max' ? 0 : Math.round((100 * usage) / limit.value);
      },
    },
    {
      name: 'page cache',
      unit: 'bytes',
      read: container => {
        const { breakdown } = sampleOf(container);
        return breakdown.present ? breakdown.value.file : 0;
      },
    },
  ],
};
