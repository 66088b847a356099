import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { readIoAt } from '../../../linux/cgroup/io.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readProcessIo } from '../../../linux/proc/io.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const limit = 2 * MiB;

/** Overwrites a file of some MiB over and over; the file system is synced in between, as the kernel would in time. */
const program = (options: string): string => `
trap 'exit 0' TERM
head -c 4M /dev/zero > /data/file
sync -f /data/file
echo ready
while :; do
  dd if=/dev/zero of=/data/file bs=256k ${options} conv=notrunc 2>/dev/null
  sync -f /data/file
  sleep 0.2
done`;
const buffered = 'count=16';
const direct = 'count=1 oflag=direct';

async function start(bench: LabBench, name: string, options: string): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'disk', size: bytes(32 * MiB) });
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: program(options) },
    binds: [{ source: disk.directory, target: '/data', writable: true }],
    limits: { io: [{ device: disk.device, kind: 'write-bytes', perSecond: limit }] },
  });
  await container.line(/^ready$/);
  return container;
}

const files = openKernelFiles();

const countedBy = ({ directories }: LabContainer): number => {
  const sample = readIoAt(files, directories.io ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  return sample.value.devices.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0);
};

const writtenBy = ({ init }: LabContainer): number => {
  const io = readProcessIo(files, init);
  return io.present ? io.value.written : 0;
};

const inOneSecond = async (read: () => number): Promise<number> => {
  const before = read();
  await sleep(1000);
  return read() - before;
};

export const lab: Lab = {
  makes:
    'three file systems of 32 MiB on loop devices, one after the other, and a container for each that may write 2 MiB per second; changes nothing else',
  seconds: 12,
  needs: [
    // v2 throttles write-back with the cgroup that dirtied the pages: nothing escapes.
    { kind: 'controller', controller: 'io', version: 'v1' },
    // The same limits by another name: what they leave out is what this lab shows.
    { kind: 'slow-disk' },
    { kind: 'filesystem', size: bytes(112 * MiB) },
    { kind: 'program', name: 'dd', package: 'coreutils' },
  ],
  healthy: {
    says: 'writes 1 MiB per second past the page cache',
    start: bench => start(bench, 'writes-directly', direct),
  },
  problem: {
    says: 'writes through the page cache, as much as it likes',
    start: bench => start(bench, 'writes-buffered', buffered),
  },
  fix: {
    says: 'the same amount past the page cache',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'writes-directly', `${buffered} oflag=direct`);
    },
  },
  figures: [
    { name: 'written in a second', unit: 'bytes', read: box => inOneSecond(() => writtenBy(box)) },
    { name: 'counted by its cgroup', unit: 'bytes', read: box => inOneSecond(() => countedBy(box)) },
  ],
};
