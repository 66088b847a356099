import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, LabFilesystem } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { parsePressure } from '../../../linux/pressure.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const slowRate = 2 * MiB;

/** Writes 2 MiB ten times a second into the page cache, from the start of a file of 40 MiB again and again. */
const program = `
trap 'exit 0' TERM
echo writing
i=0
while :; do
  dd if=/dev/zero of=/data/log bs=64k count=32 seek=$((i % 20 * 32)) conv=notrunc 2>/dev/null
  i=$((i + 1))
  sleep 0.08
done`;

const disks = new Map<string, LabFilesystem>();

async function start(bench: LabBench, name: string, slow: number | undefined): Promise<LabContainer> {
  const disk = await bench.filesystem({
    name: 'disk',
    size: bytes(64 * MiB),
    // Without a limit of its own the device may have as much as the host allows: minutes of this.
    ...(slow === undefined ? {} : { slow, dirtyLimit: 32 * MiB }),
  });
  disks.set(name, disk);
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: program },
    binds: [{ source: disk.directory, target: '/data', writable: true }],
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^writing$/);
  await sleep(2000);
  return container;
}

const files = openKernelFiles();
const stalledFor = (container: LabContainer): number => {
  const text = files.read(`${container.directories.pressure}/io.pressure`);
  return (text.present ? parsePressure(text.value)?.some.total : undefined) ?? 0;
};

export const lab: Lab = {
  makes:
    'two file systems of 64 MiB on loop devices, one after the other, and a container for each that writes up to 20 MiB per second; changes nothing else',
  seconds: 14,
  needs: [
    { kind: 'controller', controller: 'pressure' },
    { kind: 'filesystem', size: bytes(128 * MiB) },
    { kind: 'slow-disk' },
    { kind: 'dirty-limit' },
    { kind: 'program', name: 'dd', package: 'coreutils' },
  ],
  healthy: {
    says: '20 MiB per second to a disk that takes them',
    start: bench => start(bench, 'logs', undefined),
  },
  problem: {
    says: 'the same to a disk that writes 2 MiB per second and may have 32 MiB waiting',
    start: bench => start(bench, 'logs-a-lot', slowRate),
  },
  fix: {
    says: 'the disk is as fast as it goes, and may have as much waiting as any',
    apply: async (_, broken) => {
      disks.get(broken.name)?.slow('max');
      disks.get(broken.name)?.limitDirty('max');
      await sleep(2000);
      return broken;
    },
  },
  figures: [
    {
      name: 'stalled in a second',
      unit: 'us',
      read: async container => {
        const before = stalledFor(container);
        await sleep(1000);
        return stalledFor(container) - before;
      },
    },
  ],
};
