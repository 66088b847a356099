import { type Chain, growth, type Level, levelsOf } from '../../../diagnose/facts.ts';
import type { CpuQuota, CpuSample } from '../../../linux/cgroup/model.ts';
import { type Absent, flatMapReading, mapReading, type Reading } from '../../../linux/reading.ts';
import { type Microseconds, microseconds } from '../../../linux/units.ts';

/** What a limited cgroup did with its quota during the window. */
export interface Bandwidth {
  readonly level: Level<CpuSample>;
  /** The container's cgroup, and no stranger's too. */
  readonly isOwn: boolean;
  readonly quota: Microseconds;
  readonly period: Microseconds;
  readonly burst: CpuQuota['burst'];
  /** Periods that passed with work to do, and how many of them were cut short. */
  readonly periods: number;
  readonly throttledPeriods: number;
  /** nr_throttled itself: since the cgroup was made. */
  readonly everThrottled: number;
  /** Summed over CPUs. */
  readonly throttledTime: Microseconds;
  readonly usage: Reading<Microseconds>;
}

export interface Bandwidths {
  /** Levels with a quota, nearest first. */
  readonly limited: readonly Bandwidth[];
  /** Levels with a quota whose counters cannot be compared. */
  readonly refused: readonly Absent[];
}

/** Every quota on the way to the root: each of them alone can stop the container. */
export function readBandwidths(chain: Chain<CpuSample>): Bandwidths {
  const readings = levelsOf(chain).flatMap(level => {
    const bandwidth = readBandwidth(level, level === chain.own && !chain.shared);
    return bandwidth === undefined ? [] : [bandwidth];
  });
  return {
    limited: readings.flatMap(reading => (reading.present ? [reading.value] : [])),
    refused: readings.filter(reading => !reading.present),
  };
}

function readBandwidth(level: Level<CpuSample>, isOwn: boolean): Reading<Bandwidth> | undefined {
  const quota = level.last.quota;
  // The root of a hierarchy has no such file, and no limit.
  if (!quota.present || quota.value.quota.kind === 'max') return undefined;
  const { quota: limit, period, burst } = quota.value;
  const grew = (counter: (sample: CpuSample) => Reading<number>): Reading<number> => growth(level, counter);
  const throttling = (name: 'periods' | 'throttledPeriods' | 'throttledTime'): Reading<number> =>
    grew(sample => mapReading(sample.throttling, counters => counters[name]));
  const everThrottled = level.last.throttling.present ? level.last.throttling.value.throttledPeriods : 0;
  return flatMapReading(throttling('periods'), periods =>
    flatMapReading(throttling('throttledPeriods'), throttledPeriods =>
      mapReading(throttling('throttledTime'), throttledTime => ({
        level,
        isOwn,
        quota: limit.value,
        period,
        burst,
        periods,
        throttledPeriods,
        everThrottled,
        throttledTime: microseconds(throttledTime),
        usage: mapReading(
          grew(sample => sample.usage),
          microseconds,
        ),
      })),
    ),
  );
}

/** The level that stopped the container longest; undefined when none did. */
export const strictest = (limited: readonly Bandwidth[]): Bandwidth | undefined =>
  limited
    .filter(({ throttledPeriods }) => throttledPeriods > 0)
    .toSorted((a, b) => b.throttledTime - a.throttledTime)[0];

/** CPUs used on average over the window as a share of the CPUs allowed. */
export const usedShare = ({ usage, quota, period }: Bandwidth, windowMs: number): Reading<number> =>
  mapReading(usage, used => used / (windowMs * 1000) / (quota / period));

/**
 * A quota to try: twice as much holds bursts that spill into one more period, as most do while some periods pass
 * untouched. Where hardly any does, only all threads for the whole period are sure to be enough.
 */
export function enoughQuota(bandwidth: Bandwidth, parallel: number): Microseconds {
  const { quota, period, periods, throttledPeriods } = bandwidth;
  const everything = Math.max(1, parallel) * period;
  const doubled = quota * 2;
  const mostPass = throttledPeriods * 4 <= periods * 3;
  return microseconds(everything > quota && (!mostPass || everything < doubled) ? everything : doubled);
}
