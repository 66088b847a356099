import type { Lab, LabBench, LabContainer, Limits } from '../../../lab/lab.ts';
import { patient } from '../../../lab/patience.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { orElse } from '../../../linux/reading.ts';
import { microseconds, parseCount } from '../../../linux/units.ts';

/**
 * Bandwidth is given out in real time, of which an emulated CPU loses some milliseconds now and then to its host. The same
 * burst, quota and period all longer lose less of each; three periods still fit into the second that a diagnosis looks for.
 */
const scale = Math.min(3, patient(1));
const period = microseconds(100_000 * scale);
const sayMs = (milliseconds: number): string => `${milliseconds * scale} ms`;
const sayQuota = (milliseconds: number): string => `quota ${sayMs(milliseconds)} per ${sayMs(100)}`;
/** Milliseconds of CPU for each thread, and milliseconds from one burst to the next. */
const [burst, every] = [24, 270];
/** Ahead of whatever else the machine does: bursts that wait for a neighbour are not what is measured. */
const cpuShares = 262_144;
const unlimited: Limits = { cpuShares, cpu: { quota: 'max', period } };
const quotaOf = (milliseconds: number): Limits => ({
  cpuShares,
  cpu: { quota: microseconds(milliseconds * 1000 * scale), period },
});

/** Node starts without the quota, which comes when the bursts do: its start is not what is measured. */
async function start(bench: LabBench, name: string, limits: Limits): Promise<LabContainer> {
  const container = await bench.container({
    name,
    program: {
      kind: 'node',
      file: new URL('./programs/bursts.ts', import.meta.url),
      args: [String(burst * scale), String(every * scale)],
    },
    limits: unlimited,
  });
  await container.line(/^ready$/);
  await container.setLimits(limits);
  return container;
}

interface Measure {
  readonly medianUs: number;
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
  const line = await container.line(new RegExp(`^median ${measured} `));
  return {
    medianUs: parseCount(line.split(' ')[2]) ?? 0,
    throttledPeriods: throttledPeriods(container) - before,
  };
}

function throttledPeriods({ directories }: LabContainer): number {
  const text = orElse(openKernelFiles().read(`${directories.cpu}/cpu.stat`), '');
  return parseCount(/^nr_throttled (\d+)$/m.exec(text)?.[1]) ?? 0;
}

export const lab: Lab = {
  makes: `two containers, one after the other, each with two threads that burn ${sayMs(burst)} of CPU every ${sayMs(every)}, ahead of other work; changes nothing else`,
  seconds: 16,
  // One CPU will do: the two threads then use the quota up one after the other.
  needs: [{ kind: 'controller', controller: 'cpu' }],
  healthy: {
    says: 'no limit',
    start: bench => start(bench, 'bursts', unlimited),
  },
  problem: {
    says: `${sayQuota(30)}, for 0.18 CPUs on average`,
    start: bench => start(bench, 'bursts', quotaOf(30)),
  },
  fix: {
    says: sayQuota(60),
    apply: async (_, broken) => {
      await broken.setLimits(quotaOf(60));
      measures.delete(broken);
      return broken;
    },
  },
  figures: [
    {
      name: 'throttled periods, of about 27',
      unit: 'count',
      read: async container => (await measure(container)).throttledPeriods,
    },
    {
      name: 'median of ten bursts',
      unit: 'us',
      read: async container => (await measure(container)).medianUs,
    },
  ],
};
