import { expect, test } from 'vitest';
import { parseHostStat } from '../linux/proc/host/stat.ts';
import { absent, present } from '../linux/reading.ts';
import { busyBetween } from './host-cpus.ts';

function stat(...cpus: readonly string[]) {
  const parsed = parseHostStat(`cpu  1 2 3 4 5 6 7 8 0 0\n${cpus.join('\n')}\nbtime 1795435498\n`);
  if (parsed === undefined) throw new Error('not a /proc/stat');
  return present(parsed);
}

test('user, nice, system and interrupts count; idle, waiting for I/O and stolen time do not', () => {
  expect(busyBetween(stat('cpu0 10 0 5 100 7 1 2 0 0 0'), stat('cpu0 40 10 25 140 57 2 5 90 0 0'))).toEqual({
    cpuBusy: { 0: 640_000 },
    cpuIdle: { 0: 900_000 },
  });
});

test('a CPU that came or went in the window is left out; a counter that went back is nothing', () => {
  expect(busyBetween(stat('cpu0 9 0 0 0', 'cpu1 0 0 0 0'), stat('cpu0 8 0 0 0', 'cpu2 5 0 0 0'))).toEqual({
    cpuBusy: { 0: 0 },
    cpuIdle: { 0: 0 },
  });
  const unread = absent('/proc/stat', 'unreadable', 'x');
  expect(busyBetween(unread, stat('cpu0 1 0 0 0'))).toEqual({});
});
