import { absent, flatMapReading, mapReading, parsed, present, type Reading } from '../reading.ts';
import {
  limitOf,
  type Microseconds,
  microseconds,
  noLimit,
  parseNanosecondsAsMicroseconds,
} from '../units.ts';
import { type CgroupDirectory, sinceKernel } from './directory.ts';
import { digitsOf, keyedCounts, parseSingleCount } from './flat-keyed.ts';
import type { CpuQuota, CpuSample, CpuThrottling, CpuWeight } from './model.ts';

/** Default period of both versions, µs (Documentation/scheduler/sched-bwc.rst). */
const defaultPeriod = microseconds(100_000);

export function readCpu(cgroup: CgroupDirectory): Reading<CpuSample> {
  return cgroup.version === 'v1' ? readCpuV1(cgroup) : readCpuV2(cgroup);
}

function readCpuV1(cgroup: CgroupDirectory): Reading<CpuSample> {
  return mapReading(cgroup.read('cpu.stat'), stat => ({
    usage: flatMapReading(cgroup.read('cpuacct.usage'), text =>
      parsed('cpuacct.usage', parseNanosecondsAsMicroseconds(text.trim())),
    ),
    quota: flatMapReading(cgroup.read('cpu.cfs_quota_us'), quota =>
      flatMapReading(cgroup.read('cpu.cfs_period_us'), period =>
        parsed('cpu.cfs_quota_us', parseCfsQuota(quota, period, readBurst(cgroup, 'cpu.cfs_burst_us'))),
      ),
    ),
    weight: flatMapReading(cgroup.read('cpu.shares'), text =>
      parsed('cpu.shares', parseWeight('shares', text)),
    ),
    throttling: readThrottling(stat),
  }));
}

function readCpuV2(cgroup: CgroupDirectory): Reading<CpuSample> {
  return mapReading(cgroup.read('cpu.stat'), stat => {
    const { usage_usec: usage } = usageCounts(stat);
    return {
      usage: parsed('cpu.stat usage_usec', usage === undefined ? undefined : microseconds(usage)),
      quota: unlimitedWithoutFile(
        cgroup,
        flatMapReading(cgroup.read('cpu.max'), text =>
          parsed('cpu.max', parseCpuMax(text, readBurst(cgroup, 'cpu.max.burst'))),
        ),
      ),
      weight: flatMapReading(rootHasNone(cgroup, 'cpu.weight'), text =>
        parsed('cpu.weight', parseWeight('weight', text)),
      ),
      throttling: readThrottling(stat),
    };
  });
}

const usageCounts = keyedCounts('usage_usec');

/** Without the file there is no limit: it is missing at the root, and where the controller is not enabled. */
function unlimitedWithoutFile(cgroup: CgroupDirectory, quota: Reading<CpuQuota>): Reading<CpuQuota> {
  if (quota.present || quota.because !== 'vanished') return quota;
  if (!cgroup.isRoot && !cgroup.read('cgroup.procs').present) return quota;
  return present({
    quota: noLimit,
    period: defaultPeriod,
    burst: absent('cpu.max.burst', 'disabled', 'there is no quota here that a burst could go beyond'),
  });
}

function rootHasNone(cgroup: CgroupDirectory, name: string): Reading<string> {
  const text = cgroup.read(name);
  return text.present || !cgroup.isRoot
    ? text
    : absent(text.what, 'disabled', 'the root cgroup has no weight: nothing competes with it');
}

function readBurst(cgroup: CgroupDirectory, name: string): Reading<Microseconds> {
  return flatMapReading(sinceKernel(cgroup.read(name), 'Linux 5.14 with CONFIG_CFS_BANDWIDTH'), text => {
    const value = parseSingleCount(text);
    return parsed(name, value === undefined ? undefined : microseconds(value));
  });
}

/** v1 cpu.cfs_quota_us (`50000`, `-1` for none) and cpu.cfs_period_us (`100000`), µs (sched-bwc.rst). */
export function parseCfsQuota(
  quota: string,
  period: string,
  burst: Reading<Microseconds>,
): CpuQuota | undefined {
  const periodUs = parseSingleCount(period);
  if (periodUs === undefined) return undefined;
  if (quota.trim().startsWith('-')) return { quota: noLimit, period: microseconds(periodUs), burst };
  const quotaUs = parseSingleCount(quota);
  return quotaUs === undefined
    ? undefined
    : { quota: limitOf(microseconds(quotaUs)), period: microseconds(periodUs), burst };
}

/** v2 cpu.max, `$MAX $PERIOD` in µs: `50000 100000`, `max 100000` (cgroup-v2.rst, CPU). */
export function parseCpuMax(text: string, burst: Reading<Microseconds>): CpuQuota | undefined {
  const [quota = '', period] = text.trim().split(/\s+/);
  const periodUs = period === undefined ? defaultPeriod : parseSingleCount(period);
  if (periodUs === undefined) return undefined;
  if (quota === 'max') return { quota: noLimit, period: microseconds(periodUs), burst };
  const quotaUs = parseSingleCount(quota);
  return quotaUs === undefined
    ? undefined
    : { quota: limitOf(microseconds(quotaUs)), period: microseconds(periodUs), burst };
}

/** v1 cpu.shares, v2 cpu.weight: one number. */
export function parseWeight(kind: CpuWeight['kind'], text: string): CpuWeight | undefined {
  const value = parseSingleCount(text);
  return value === undefined ? undefined : { kind, value };
}

function readThrottling(stat: string): Reading<CpuThrottling> {
  const throttling = parseCpuThrottling(stat);
  return throttling === undefined
    ? absent('cpu.stat nr_throttled', 'disabled', 'needs the cpu controller and CONFIG_CFS_BANDWIDTH')
    : present(throttling);
}

/**
 * cpu.stat: `nr_periods 46`, `nr_throttled 19`, then v1 `throttled_time 1234567890` (ns) or v2
 * `throttled_usec 1234567` (µs). v2 has these lines only while the cpu controller is enabled for the cgroup.
 */
export function parseCpuThrottling(text: string): CpuThrottling | undefined {
  const { nr_periods: periods, nr_throttled: throttledPeriods, throttled_usec: v2 } = throttlingCounts(text);
  const throttledTime =
    v2 === undefined ? parseNanosecondsAsMicroseconds(digitsOf(text, 'throttled_time')) : microseconds(v2);
  if (periods === undefined || throttledPeriods === undefined || throttledTime === undefined)
    return undefined;
  return { periods, throttledPeriods, throttledTime };
}

const throttlingCounts = keyedCounts('nr_periods', 'nr_throttled', 'throttled_usec');
