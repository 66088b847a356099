import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, Limits, Scenario } from '../../../lab/lab.ts';
import { patient } from '../../../lab/patience.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/** `tail` keeps its input, as there is no line feed in it: 48 MiB that grow and go, again and again. */
const program = `
  trap 'exit 0' TERM
  n=0
  while :; do
    head -c 48M /dev/zero | tail > /dev/null
    n=$((n + 1))
    echo "round $n"
  done`;

const limitsOf = (high: number): Limits => ({ memory: bytes(256 * MiB), memoryHigh: bytes(high * MiB) });

const start = (bench: LabBench, high: number): Promise<LabContainer> =>
  bench.container({
    name: 'held-up',
    program: { kind: 'shell', script: program },
    limits: limitsOf(high),
  });

/** How often its tasks were held up so far. */
function heldUp({ directories }: LabContainer): number {
  const sample = readMemoryAt(files, directories.memory ?? '');
  return (sample.present ? sample.value.highHits : undefined) ?? 0;
}

const healthy: Scenario = {
  says: 'needs 48 MiB, memory.high 128 MiB',
  start: async bench => {
    const container = await start(bench, 128);
    await container.line(/^round /);
    return container;
  },
};

const problem: Scenario = {
  says: 'needs 48 MiB, memory.high 32 MiB',
  start: async bench => {
    const container = await start(bench, 32);
    for (const end = performance.now() + patient(20_000); heldUp(container) === 0; await sleep(50))
      if (performance.now() > end) throw new Error('nothing was held up at memory.high');
    // The waits begin short and grow with what it is above.
    await sleep(patient(1000));
    return container;
  },
};

export const lab: Lab = {
  makes:
    'two containers, one after the other, each with a child that needs 48 MiB again and again, under a memory.high of 32 or 128 MiB; changes nothing else',
  seconds: 8,
  needs: [{ kind: 'controller', controller: 'memory', version: 'v2' }],
  healthy,
  problem,
  fix: {
    says: 'memory.high 128 MiB, set while it waits',
    apply: async (_, broken) => {
      await broken.setLimits(limitsOf(128));
      await broken.line(/^round /, 60_000);
      return broken;
    },
  },
  figures: [
    {
      name: 'held up in a second',
      unit: 'count',
      read: async container => {
        const before = heldUp(container);
        await sleep(1000);
        return heldUp(container) - before;
      },
    },
  ],
};
