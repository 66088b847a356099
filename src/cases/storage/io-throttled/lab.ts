import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, LabFilesystem } from '../../../lab/lab.ts';
import { readIoAt } from '../../../linux/cgroup/io.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const limit = 2 * MiB;

/**
 * Writes 12 MiB directly to the disk, over and over, which takes six seconds when 2 MiB per second are allowed: the pauses
 * between, which are long where starting a program is slow, hardly lower the rate.
 */
const program = `
trap 'exit 0' TERM
: > /data/file
echo ready
while :; do
  dd if=/dev/zero of=/data/file bs=256k count=48 oflag=direct conv=notrunc 2>/dev/null
  sleep 0.2
done`;

const disks = new Map<LabContainer['name'], LabFilesystem>();

async function start(bench: LabBench, name: string, perSecond: number | 'max'): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'disk', size: bytes(32 * MiB) });
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: program },
    binds: [{ source: disk.directory, target: '/data', writable: true }],
    limits: { io: [{ device: disk.device, kind: 'write-bytes', perSecond }] },
  });
  disks.set(name, disk);
  await container.line(/^ready$/);
  return container;
}

const files = openKernelFiles();

function written({ name, directories }: LabContainer): number {
  const sample = readIoAt(files, directories.io ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  return sample.value.devices.find(({ device }) => device === disks.get(name)?.device)?.writtenBytes ?? 0;
}

export const lab: Lab = {
  makes:
    'two file systems of 32 MiB on loop devices, one after the other, and a container for each that writes 12 MiB at a time past the page cache; changes nothing else',
  seconds: 12,
  needs: [
    { kind: 'controller', controller: 'io' },
    { kind: 'filesystem', size: bytes(80 * MiB) },
    { kind: 'program', name: 'dd', package: 'coreutils' },
  ],
  healthy: { says: 'may write 1 GiB per second', start: bench => start(bench, 'writes', 2 ** 30) },
  problem: { says: 'may write 2 MiB per second', start: bench => start(bench, 'writes-slowly', limit) },
  fix: {
    says: 'the limit is taken away',
    apply: async (_, broken) => {
      const device = disks.get(broken.name)?.device ?? '';
      await broken.setLimits({ io: [{ device, kind: 'write-bytes', perSecond: 'max' }] });
      await sleep(500);
      return broken;
    },
  },
  figures: [
    {
      name: 'written in a second',
      unit: 'bytes',
      read: async container => {
        const before = written(container);
        await sleep(1000);
        return written(container) - before;
      },
    },
  ],
};
