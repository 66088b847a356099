import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readProcessIo } from '../../../linux/proc/io.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const rate = 4 * MiB;

/** Adds a line to a journal of its own and syncs it, ten times a second at most, as databases do. */
const commits = `
trap 'exit 0' TERM
echo ready
while :; do
  dd if=/dev/zero of=/data/journal bs=4k count=1 conv=notrunc,fsync 2>/dev/null
  sleep 0.1
done`;

/**
 * Writes a new file of so many times 64 KiB through the page cache, again and again. The kernel writes it back, and a commit
 * of ext4's journal (data=ordered) has to wait for the data of files that grew.
 */
const batch = (count: number): string => `
trap 'exit 0' TERM
file=0
written=0
while :; do
  file=$((1 - file))
  rm -f /data/batch-$file
  dd if=/dev/zero of=/data/batch-$file bs=64k count=${count} 2>/dev/null
  wait
  written=$((written + 1))
  echo written $written
  sync -f /data/batch-$file &
  sleep 0.05
done`;

const neighbours = new Map<string, LabContainer>();

async function pair(bench: LabBench, name: string, count: number): Promise<LabContainer> {
  const disk = await bench.filesystem({
    name: 'shared-disk',
    size: bytes(64 * MiB),
    slow: rate,
    options: ['nodioread_nolock', 'data=ordered'],
  });
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: commits },
    binds: [{ source: disk.subdirectory('commits'), target: '/data', writable: true }],
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^ready$/);
  const neighbour = await bench.container({
    name: 'neighbour',
    program: { kind: 'shell', script: batch(count) },
    binds: [{ source: disk.subdirectory('batch'), target: '/data', writable: true }],
  });
  // Its third begins when the second is on the disk: from the first on, the disk has nothing but that to do.
  await neighbour.line(/^written 3$/, 20_000);
  neighbours.set(name, neighbour);
  await sleep(1500);
  return {
    ...container,
    stop: async () => {
      await container.stop();
      await neighbour.stop();
    },
  };
}

const files = openKernelFiles();
const record = 4096;

/** What its processes wrote, its finished ones included: one record for each commit. */
const committed = ({ init }: LabContainer): number => {
  const io = readProcessIo(files, init);
  return io.present ? io.value.written / record : 0;
};

export const lab: Lab = {
  makes:
    'two file systems of 64 MiB on loop devices that write back 4 MiB per second, one after the other, and two containers that share each; changes nothing else',
  seconds: 22,
  needs: [
    { kind: 'controller', controller: 'io' },
    { kind: 'filesystem', size: bytes(160 * MiB) },
    { kind: 'slow-disk' },
    { kind: 'program', name: 'dd', package: 'coreutils' },
  ],
  healthy: {
    says: 'ten commits a second; the neighbour writes 64 KiB at a time',
    start: bench => pair(bench, 'commits', 1),
  },
  problem: {
    says: 'ten commits a second; the neighbour writes 8 MiB at a time',
    start: bench => pair(bench, 'commits-late', 128),
  },
  fix: {
    says: 'the neighbour’s batch is ended',
    apply: async (_, broken) => {
      await neighbours.get(broken.name)?.stop();
      // What it left in the page cache is still to be written.
      await sleep(4500);
      return broken;
    },
  },
  figures: [
    {
      name: 'commits in two seconds',
      unit: 'count',
      read: async container => {
        const before = committed(container);
        await sleep(2000);
        return Math.round(committed(container) - before);
      },
    },
  ],
};
