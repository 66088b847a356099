import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, Limits, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();
const diskRate = 8 * MiB;

/** A log of 48 MiB that is written from its start again and again, as fast as it goes. */
const program = `
  trap 'kill $writer; exit 0' TERM
  echo writing
  while :; do
    dd if=/dev/zero of=/data/log bs=64k count=768 conv=notrunc 2>/dev/null & writer=$!
    wait $writer
    sleep 0.2
  done`;

async function start(bench: LabBench, limits: Limits): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'slow', size: bytes(128 * MiB), slow: diskRate });
  const container = await bench.container({
    name: 'writes-logs',
    program: { kind: 'shell', script: program },
    binds: [{ source: disk.directory, target: '/data', writable: true }],
    limits,
  });
  await container.line(/^writing$/);
  await sleep(2000);
  return container;
}

const writing = (limit: number): Scenario => ({
  says: `limit ${limit} MiB, a disk of 8 MiB per second`,
  start: bench => start(bench, { memory: bytes(limit * MiB), memoryAndSwap: 'max', cpuShares: 262_144 }),
});

/** How often charges met the limit so far. */
function limitHits({ directories }: LabContainer): number {
  const sample = readMemoryAt(files, directories.memory ?? '');
  return sample.present && sample.value.limitHits.present ? sample.value.limitHits.value : 0;
}

export const lab: Lab = {
  makes:
    'a file system of 128 MiB on a loop device that writes 8 MiB per second, and one container that writes there',
  seconds: 15,
  needs: [
    // On v2 the kernel bounds what is dirty in each cgroup, so that reclaim meets clean pages.
    { kind: 'controller', controller: 'memory', version: 'v1' },
    { kind: 'filesystem', type: 'ext4', size: bytes(128 * MiB) },
    { kind: 'slow-disk' },
  ],
  healthy: writing(192),
  problem: writing(20),
  fix: {
    says: 'limit 192 MiB',
    apply: async (_, broken) => {
      await broken.setLimits({ memory: bytes(192 * MiB) });
      await sleep(2000);
      return broken;
    },
  },
  figures: [
    {
      name: 'limit met in a second',
      unit: 'count',
      read: async container => {
        const before = limitHits(container);
        await sleep(1000);
        return limitHits(container) - before;
      },
    },
  ],
};
