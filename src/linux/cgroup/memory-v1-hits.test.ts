import { expect, test } from 'vitest';
import { absent, present, type Reading } from '../reading.ts';
import { bytes, limitOf, noLimit } from '../units.ts';
import { limitHitsV1 } from './memory-v1.ts';
import type { SwapSample } from './model.ts';

const MiB = 2 ** 20;
const unaccounted = absent('memory.memsw.limit_in_bytes', 'disabled', 'boot with swapaccount=1');
const together = (limit: number | 'max'): Reading<SwapSample> =>
  present({
    usage: bytes(0),
    limitMeans: 'memory-and-swap',
    limit: limit === 'max' ? noLimit : limitOf(bytes(limit)),
  });

test.each([
  ['memory limit alone', 117, 0, 32, unaccounted, 117],
  ['memory limit alone, never met', 0, 0, 8, together('max'), 0],
  ['swap beside memory', 3, 2, 32, together(64 * MiB), 5],
  ['equal limits, counted on memory+swap (5.10)', 0, 78, 32, together(32 * MiB), 78],
  ['equal limits, never reached', 0, 0, 31, together(32 * MiB), 0],
])('%s', (_, failures, sumFailures, peak, swap, expected) => {
  expect(
    limitHitsV1(failures, sumFailures, limitOf(bytes(32 * MiB)), present(bytes(peak * MiB)), swap),
  ).toEqual(present(expected));
});

test('equal limits that were reached and count nothing (6.18) are no zero', () => {
  const swap = together(32 * MiB);
  const limit = limitOf(bytes(32 * MiB));
  expect(limitHitsV1(0, 0, limit, present(bytes(32 * MiB)), swap)).toMatchObject({ because: 'disabled' });
  expect(limitHitsV1(0, 0, limit, present(bytes(32 * MiB - 12_288)), swap).present).toBe(false);
  expect(limitHitsV1(0, 0, limit, absent('peak', 'unreadable', ''), swap).present).toBe(false);
});
