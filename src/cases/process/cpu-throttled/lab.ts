import type { Lab, LabBench, LabContainer, Limits } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { orElse } from '../../../linux/reading.ts';
import { microseconds, parseCount } from '../../../linux/units.ts';

const period = microseconds(100_000);
const quotaOf = (milliseconds: number): Limits => ({
  cpu: { quota: microseconds(milliseconds * 1000), period },
});

/** So that neighbours on a busy machine do not stretch the bursts that are measured. */
const cpuShares = 8192;

async function start(bench: LabBench, name: string, limits: Limits): Promise<LabContainer> {
  const container = await bench.container({
    name,
    program: { kind: 'node', file: new URL('./programs/bursts.ts', import.meta.url) },
    limits: { ...limits, cpuShares },
  });
  await container.line(/^ready$/, 20_000);
  return container;
}

interface Measure {
  readonly slowestUs: number;
  readonly throttledPeriods: number;
}
const measures = new WeakMap<LabContainer, Promise<Measure>>();
let measured = 0;

function measure(container: LabContainer): Promise<Measure> {
  const known = measures.get(container);
  if (known !== undefined) return known;
  const fresh = measureTenBursts(container);
  measures.set(container, fresh);
  return fresh;
}

async function measureTenBursts(container: LabContainer): Promise<Measure> {
  measured += 1;
  const before = throttledPeriods(container);
  container.say(`measure ${measured}`);
  const line = await container.line(new RegExp(`^slowest ${measured} `), 20_000);
  return {
    slowestUs: parseCount(line.split(' ')[2]) ?? 0,
    throttledPeriods: throttledPeriods(container) - before,
  };
}

function throttledPeriods({ directories }: LabContainer): number {
  const text = orElse(openKernelFiles().read(`${directories.cpu}/cpu.stat`), '');
  return parseCount(/^nr_throttled (\d+)$/m.exec(text)?.[1]) ?? 0;
}

export const lab: Lab = {
  makes:
    'two containers, one after the other, each with two threads that burn 40 ms of CPU every 230 ms; changes nothing else',
  seconds: 16,
  needs: [
    { kind: 'controller', controller: 'cpu' },
    { kind: 'cpus', count: 2 },
  ],
  healthy: {
    says: 'no limit',
    start: bench => start(bench, 'bursts', { cpu: { quota: 'max', period } }),
  },
  problem: {
    says: 'quota 50 ms per 100 ms, for 0.35 CPUs on average',
    start: bench => start(bench, 'bursts', quotaOf(50)),
  },
  fix: {
    says: 'quota 100 ms per 100 ms',
    apply: async (_, broken) => {
      await broken.setLimits(quotaOf(100));
      measures.delete(broken);
      return broken;
    },
  },
  figures: [
    {
      name: 'slowest of ten bursts',
      unit: 'us',
      read: async container => (await measure(container)).slowestUs,
    },
    {
      name: 'throttled periods, of about 23',
      unit: 'count',
      read: async container => (await measure(container)).throttledPeriods,
    },
  ],
};
