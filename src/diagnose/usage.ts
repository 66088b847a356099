import type { CpuSample, MemorySample } from '../linux/cgroup/model.ts';
import { type Absent, absent, flatMapReading, mapReading, present, type Reading } from '../linux/reading.ts';
import { type Bytes, type Limit, limitOf, type Microseconds, microseconds, noLimit } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { type Chain, growth, levelsOf } from './facts.ts';
import { resolvers } from './resolve.ts';

/** What a container used during the window and what it may use, from its cgroups and not from its /proc. */
export interface Usage {
  /** CPUs' worth of time per time: 0.35. */
  readonly cpus: Reading<number>;
  /** The tightest quota on the way to the root, in CPUs. */
  readonly cpuLimit: Reading<Limit<number>>;
  /** Periods that were cut short in the window, of those that passed, in the cgroup with the tightest quota. */
  readonly throttled: Reading<Throttled>;
  /** For how much of the time its threads waited for a CPU, added up: 1.5 is three threads half of the time. */
  readonly waiting: Reading<number>;
  readonly memory: Reading<Bytes>;
  /** The tightest memory limit on the way to the root. */
  readonly memoryLimit: Reading<Limit<Bytes>>;
  /** Page cache in `memory`, 0 to 1: mostly reclaimable. */
  readonly cacheShare: Reading<number>;
}

export interface Throttled {
  readonly periods: number;
  readonly throttledPeriods: number;
  /** In the window, summed over CPUs. */
  readonly throttledTime: Microseconds;
}

export function usageOf(observation: Observation, facts: ContainerFacts): Usage {
  const cpu = resolvers.cpu(observation, facts);
  const memory = resolvers.memory(observation, facts);
  return {
    cpus: flatMapReading(cpu, ({ own, shared }) =>
      shared
        ? notItsAlone(own.directory)
        : mapReading(
            growth(own, sample => sample.usage),
            microseconds => microseconds / 1000 / observation.windowMs,
          ),
    ),
    cpuLimit: mapReading(cpu, chain => tightest(levelsOf(chain).map(({ last }) => cpuLimitOf(last)))),
    throttled: flatMapReading(cpu, throttledIn),
    waiting: waitingIn(observation, facts),
    memory: flatMapReading(memory, ({ own, shared }) =>
      shared ? notItsAlone(own.directory) : present(own.last.usage),
    ),
    memoryLimit: mapReading(memory, chain => tightest(levelsOf(chain).map(({ last }) => last.limit))),
    cacheShare: flatMapReading(memory, ({ own, shared }) =>
      shared ? notItsAlone(own.directory) : cacheShareOf(own.last),
    ),
  };
}

const notItsAlone = (directory: string): Absent =>
  absent(
    directory,
    'disabled',
    'the cgroup holds other processes too; start the container in one of its own',
  );

/** The smallest of several limits; none when none is set. */
export function tightest<T extends number>(limits: readonly Limit<T>[]): Limit<T> {
  const values = limits.flatMap(limit => (limit.kind === 'limit' ? [limit.value] : []));
  return values.reduce<Limit<T>>(
    (least, value) => (least.kind === 'max' || value < least.value ? limitOf(value) : least),
    noLimit,
  );
}

/** quota ÷ period. */
export const cpuLimitOf = ({ quota }: CpuSample): Limit<number> =>
  quota.present && quota.value.quota.kind === 'limit'
    ? limitOf(quota.value.quota.value / quota.value.period)
    : noLimit;

function throttledIn(chain: Chain<CpuSample>): Usage['throttled'] {
  const limit = tightest(levelsOf(chain).map(({ last }) => cpuLimitOf(last)));
  const level = levelsOf(chain).find(({ last }) => {
    const own = cpuLimitOf(last);
    return own.kind === 'limit' && limit.kind === 'limit' && own.value === limit.value;
  });
  if (level === undefined) return absent('cpu.stat', 'disabled', 'no quota is set, so no period is counted');
  const periods = growth(level, sample => mapReading(sample.throttling, ({ periods }) => periods));
  const throttled = growth(level, sample => mapReading(sample.throttling, value => value.throttledPeriods));
  const time = growth(level, sample => mapReading(sample.throttling, value => value.throttledTime));
  return flatMapReading(periods, passed =>
    flatMapReading(throttled, cut =>
      mapReading(time, lost => ({
        periods: passed,
        throttledPeriods: cut,
        throttledTime: microseconds(lost),
      })),
    ),
  );
}

/**
 * From the run queues of its threads (/proc/<pid>/task/<tid>/schedstat), which exist for both cgroup versions and hold for
 * a shared cgroup too. Threads that began or ended in the window are left out.
 */
function waitingIn({ windowMs }: Observation, { processes }: ContainerFacts): Usage['waiting'] {
  const known = processes.flatMap(({ scheduler }) => (scheduler.present ? [scheduler.value] : []));
  const [first] = processes;
  if (known.length === 0) {
    if (first !== undefined && !first.scheduler.present) return first.scheduler;
    return absent(
      '/proc/<pid>/task/*/schedstat',
      'vanished',
      'none of its processes was there in both samples',
    );
  }
  const waited = known.reduce((sum, times) => sum + times.last.waiting - times.first.waiting, 0);
  return present(waited / 1000 / Math.max(1, windowMs));
}

const cacheShareOf = ({ usage, breakdown }: MemorySample): Reading<number> =>
  mapReading(breakdown, ({ file }) => (usage === 0 ? 0 : file / usage));
