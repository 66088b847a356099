import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, Limits, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();
const swapSize = bytes(192 * MiB);
const roomy: Limits = { memory: bytes(224 * MiB), memoryAndSwap: bytes(320 * MiB) };
const tight: Limits = { memory: bytes(80 * MiB), memoryAndSwap: bytes(320 * MiB) };

const scanning = (says: string, limits: Limits): Scenario => ({
  says,
  start: async (bench: LabBench): Promise<LabContainer> => {
    await bench.swap(swapSize);
    const container = await bench.container({
      name: 'rescans',
      program: { kind: 'node', file: new URL('./programs/rescan.ts', import.meta.url), args: ['96'] },
      limits,
    });
    await container.line(/^scanning$/, 60_000);
    return container;
  },
});

const sampleOf = (container: LabContainer) => {
  const sample = readMemoryAt(files, container.directories.memory ?? '');
  if (!sample.present) throw new Error(`${sample.what}: ${sample.remedy}`);
  return sample.value;
};

const refaultsOf = (container: LabContainer): number => {
  const { breakdown } = sampleOf(container);
  return (breakdown.present ? breakdown.value.anonymousRefaults : undefined) ?? 0;
};

export const lab: Lab = {
  makes:
    'a swap file of 192 MiB, which the whole host may use until the run ends, and one container that touches 96 MiB of memory over and over',
  seconds: 15,
  needs: [
    { kind: 'controller', controller: 'memory' },
    { kind: 'swap', size: bytes(256 * MiB) },
  ],
  healthy: scanning('96 MiB in use, limit 224 MiB', roomy),
  problem: scanning('96 MiB in use, limit 80 MiB, may swap', tight),
  fix: {
    says: 'limit 224 MiB',
    apply: async (_, broken) => {
      await broken.setLimits(roomy);
      broken.say('settle');
      await broken.line(/^settled$/, 60_000);
      return broken;
    },
  },
  figures: [
    {
      name: 'came back from swap in a second',
      unit: 'bytes',
      read: async container => {
        const before = refaultsOf(container);
        await sleep(1000);
        return (refaultsOf(container) - before) * 4096;
      },
    },
  ],
};
