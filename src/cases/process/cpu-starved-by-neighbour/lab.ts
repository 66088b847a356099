import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readLeaderSchedstat } from '../../../linux/proc/schedstat.ts';
import { orElse } from '../../../linux/reading.ts';
import type { Microseconds } from '../../../linux/units.ts';

/** The neighbour's weight; ours is an eighth of it, or eight times as much. */
const theirs = 32_768;
const light = theirs / 8;
const heavy = theirs * 8;

const burner = (bench: LabBench, name: string, cpuShares: number): Promise<LabContainer> =>
  bench.container({
    name,
    program: { kind: 'node', file: new URL('./programs/burn.ts', import.meta.url) },
    // One CPU for both: which one does not matter.
    limits: { cpuShares, cpus: [0] },
  });

async function start(bench: LabBench, name: string, cpuShares: number): Promise<LabContainer> {
  const neighbour = await burner(bench, 'neighbour', theirs);
  const container = await burner(bench, name, cpuShares);
  // Both have started before either burns: a start under an eighth of the weight takes long on a slow machine.
  for (const box of [neighbour, container]) await box.line(/^started$/, 60_000);
  for (const box of [neighbour, container]) box.say('go');
  for (const box of [neighbour, container]) await box.line(/^ready$/, 60_000);
  return {
    ...container,
    stop: async () => {
      await container.stop();
      await neighbour.stop();
    },
  };
}

const files = openKernelFiles();
const nothing = { running: 0 as Microseconds, waiting: 0 as Microseconds, timeslices: 0 };

/** In percent of the time that its thread was ready, over two seconds. */
async function readyTime({ init }: LabContainer, part: 'running' | 'waiting'): Promise<number> {
  const before = orElse(readLeaderSchedstat(files, init), nothing);
  await sleep(2000);
  const after = orElse(readLeaderSchedstat(files, init), nothing);
  const running = after.running - before.running;
  const waiting = after.waiting - before.waiting;
  const ready = Math.max(1, running + waiting);
  return Math.round(((part === 'running' ? running : waiting) / ready) * 100);
}

export const lab: Lab = {
  makes:
    'two pairs of containers, one after the other, that both want CPU 0 all the time, ahead of other work there; changes nothing else',
  seconds: 22,
  needs: [
    { kind: 'controller', controller: 'cpu' },
    { kind: 'controller', controller: 'cpuset' },
    // They take the whole of one, so the diagnosis has to have another.
    { kind: 'cpus', count: 2 },
  ],
  healthy: {
    says: 'both want one CPU; it weighs 8 times as much as the neighbour',
    start: bench => start(bench, 'weighs-more', heavy),
  },
  problem: {
    says: 'both want one CPU; it weighs an eighth of the neighbour',
    start: bench => start(bench, 'weighs-less', light),
  },
  fix: {
    says: 'its weight is raised to 8 times the neighbour’s',
    apply: async (_, broken) => {
      await broken.setLimits({ cpuShares: heavy });
      return broken;
    },
  },
  figures: [
    { name: 'of the time it is ready, it waits', unit: 'percent', read: box => readyTime(box, 'waiting') },
    { name: 'of the time it is ready, it runs', unit: 'percent', read: box => readyTime(box, 'running') },
  ],
};
