import type { Lab, LabBench, LabContainer, Limits } from '../../../lab/lab.ts';
import { parseByteLimit } from '../../../linux/cgroup/memory-limit.ts';
import { openKernelFiles, readParsed } from '../../../linux/files.ts';
import { readMeminfo } from '../../../linux/proc/host/meminfo.ts';
import { bytes } from '../../../linux/units.ts';

const program = {
  kind: 'node',
  file: new URL('./programs/spawn-many.ts', import.meta.url),
} as const;

async function start(bench: LabBench, limits: Limits): Promise<LabContainer> {
  const container = await bench.container({ name: 'greedy', program, limits });
  await container.line(/^ready$/);
  return container;
}

/** More than the default limit of a lab's container, less than any machine minds. */
const wanted = 200;

async function tasksItGets(container: LabContainer): Promise<number> {
  container.say(`${wanted}`);
  const line = await container.line(/^got \d+$/);
  return Number(line.slice('got '.length));
}

/** The smaller of its own limit and the machine: the lab sets no other. */
function memoryItMayTake({ directories }: LabContainer): number {
  const files = openKernelFiles();
  const machine = readMeminfo(files);
  const all = machine.present ? machine.value.total : 0;
  const limits = ['memory.limit_in_bytes', 'memory.max'].map(name =>
    readParsed(files, `${directories.memory}/${name}`, parseByteLimit),
  );
  const limit = limits.find(reading => reading.present);
  return limit?.present && limit.value.kind === 'limit' ? Math.min(limit.value.value, all) : all;
}

export const lab: Lab = {
  makes: `a container that tries to start ${wanted} processes that sleep, for a moment; changes nothing else`,
  seconds: 8,
  needs: [
    { kind: 'controller', controller: 'memory' },
    { kind: 'controller', controller: 'pids' },
  ],
  healthy: { says: '256 MiB, 128 tasks', start: bench => start(bench, {}) },
  problem: { says: 'no limits', start: bench => start(bench, { memory: 'max', pids: 'max' }) },
  fix: {
    says: '128 MiB, 64 tasks, set while it runs',
    apply: async (_bench, broken) => {
      await broken.setLimits({ memory: bytes(128 * 1024 * 1024), pids: 64 });
      return broken;
    },
  },
  figures: [
    { name: `processes it got of ${wanted}`, unit: 'count', read: tasksItGets },
    { name: 'memory it may take', unit: 'bytes', read: memoryItMayTake },
  ],
};
