import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import { microseconds } from '../units.ts';
import { parseCfsQuota, parseCpuMax, parseCpuThrottling, parseWeight, readCpu } from './cpu.ts';

const noBurst = present(microseconds(0));

// Linux 6.18; 3.10 has the first three lines.
const v1Stat = 'nr_periods 46\nnr_throttled 19\nthrottled_time 1234567890\nnr_bursts 0\nburst_time 0\n';
// Linux 6.1; 5.4 has no bursts.
const v2Stat =
  'usage_usec 4812345\nuser_usec 4000000\nsystem_usec 812345\nnr_periods 46\nnr_throttled 19\nthrottled_usec 1234567\nnr_bursts 0\nburst_usec 0\n';
const throttling = { periods: 46, throttledPeriods: 19, throttledTime: 1_234_567 };

test.each([
  ['v1', v1Stat, throttling],
  ['v2', v2Stat, throttling],
  ['v1 of 3.10', 'nr_periods 46\nnr_throttled 19\nthrottled_time 1234567890\n', throttling],
  ['unknown lines', `core_sched.force_idle_usec 5\n${v2Stat}nr_new 4\n`, throttling],
  [
    'v1 after 250 years of throttling',
    'nr_periods 1\nnr_throttled 1\nthrottled_time 8999999999999999999\n',
    { periods: 1, throttledPeriods: 1, throttledTime: 8_999_999_999_999_999 },
  ],
  ['v2 without the controller', 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n', undefined],
  ['cut short', 'nr_periods 46\nnr_thro', undefined],
  ['empty', '', undefined],
])('cpu.stat: %s', (_, text, expected) => {
  expect(parseCpuThrottling(text)).toEqual(expected);
});

test.each([
  ['50000 100000\n', { kind: 'limit', value: 50_000 }, 100_000],
  ['max 100000\n', { kind: 'max' }, 100_000],
  ['max', { kind: 'max' }, 100_000],
])('cpu.max %j', (text, quota, period) => {
  expect(parseCpuMax(text, noBurst)).toEqual({ quota, period, burst: noBurst });
});

test.each(['', 'x 100000', '50000 x', '-1 100000'])('cpu.max %j is not the documented form', text => {
  expect(parseCpuMax(text, noBurst)).toBeUndefined();
});

test('v1 quota: any negative number means none', () => {
  const unlimited = { quota: { kind: 'max' }, period: 100_000, burst: noBurst };
  expect(parseCfsQuota('-1\n', '100000\n', noBurst)).toEqual(unlimited);
  expect(parseCfsQuota('50000\n', '100000\n', noBurst)).toMatchObject({
    quota: { kind: 'limit', value: 50_000 },
  });
  expect(parseCfsQuota('\n', '100000\n', noBurst)).toBeUndefined();
});

test('a v1 cgroup', () => {
  const cgroup = cgroupOf('v1', {
    'cpu.stat': v1Stat,
    'cpuacct.usage': '4812345678901234567\n',
    'cpu.cfs_quota_us': '50000\n',
    'cpu.cfs_period_us': '100000\n',
    'cpu.cfs_burst_us': '20000\n',
    'cpu.shares': '512\n',
  });
  expect(readCpu(cgroup)).toEqual(
    present({
      usage: present(4_812_345_678_901_234),
      quota: present({ quota: { kind: 'limit', value: 50_000 }, period: 100_000, burst: present(20_000) }),
      weight: present({ kind: 'shares', value: 512 }),
      throttling: present(throttling),
    }),
  );
});

test('kernels before 5.14 have no burst, hosts without cpuacct no usage: said, not zero', () => {
  const sample = readCpu(
    cgroupOf('v1', { 'cpu.stat': v1Stat, 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n' }),
  );
  expect(sample).toMatchObject({
    value: {
      usage: { present: false },
      quota: { value: { burst: { present: false, because: 'kernel-too-old' } } },
      weight: { present: false },
    },
  });
});

test('a v2 cgroup', () => {
  const cgroup = cgroupOf('v2', {
    'cpu.stat': v2Stat,
    'cpu.max': '50000 100000\n',
    'cpu.max.burst': '0\n',
    'cpu.weight': '100\n',
  });
  expect(readCpu(cgroup)).toMatchObject({
    value: {
      usage: present(4_812_345),
      quota: { value: { quota: { kind: 'limit', value: 50_000 }, burst: present(0) } },
      weight: present({ kind: 'weight', value: 100 }),
      throttling: present(throttling),
    },
  });
});

test('without the controller, and at the root, there is no quota and nothing to throttle', () => {
  const stat = { 'cpu.stat': 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n', 'cgroup.procs': '' };
  for (const cgroup of [cgroupOf('v2', stat), cgroupOf('v2', stat, true)])
    expect(readCpu(cgroup)).toMatchObject({
      value: {
        quota: { value: { quota: { kind: 'max' } } },
        throttling: { present: false, because: 'disabled' },
      },
    });
});

test('a cgroup that is gone has no sample', () => {
  expect(readCpu(cgroupOf('v1', {})).present).toBe(false);
  expect(readCpu(cgroupOf('v2', {})).present).toBe(false);
});

test('no input throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, other) => {
      parseCpuThrottling(text);
      parseCpuMax(text, noBurst);
      parseCfsQuota(text, other, noBurst);
      parseWeight('shares', text);
    }),
  );
});
