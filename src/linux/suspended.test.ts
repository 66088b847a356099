import { expect, test } from 'vitest';
import { openKernelFiles } from './files.ts';
import { present } from './reading.ts';
import { readSuspended } from './suspended.ts';

const awake = Number(process.hrtime.bigint() / 10_000_000n) / 100;
const withUptime = (seconds: number) => ({
  ...openKernelFiles(),
  read: () => present(`${seconds.toFixed(2)} 1.00\n`),
});

test.each([
  ['a host that slept an hour', awake + 3600, true],
  ['a host that never slept', awake, false],
  ['the moment between two readings', awake + 0.5, false],
])('%s', (_, uptime, slept) => {
  const suspended = readSuspended(withUptime(uptime));
  expect(suspended !== undefined).toBe(slept);
  // The test itself takes some time between its two clocks.
  if (slept) expect(Math.abs((suspended ?? 0) - 3_600_000_000)).toBeLessThan(60_000_000);
});

test('a stored tree has another clock', () => {
  expect(readSuspended({ ...withUptime(awake + 3600), root: '/stored' })).toBeUndefined();
});
