import { expect, test } from 'vitest';
import type { DiskStat } from '../linux/proc/host/diskstats.ts';
import { absent, present } from '../linux/reading.ts';
import { bytes, microseconds } from '../linux/units.ts';
import { disksBetween } from './disks.ts';

const disk = (device: string, busy: number, inFlight = 0): DiskStat => ({
  device,
  name: `disk-${device}`,
  reads: busy,
  readBytes: bytes(0),
  writes: 0,
  writtenBytes: bytes(0),
  inFlight,
  busy: microseconds(busy),
  queued: microseconds(busy),
});

test('disks that did something, or have it in hand; not those that came, went or were made again', () => {
  const first = present([disk('8:0', 10), disk('8:16', 10), disk('8:32', 10, 1), disk('7:0', 10)]);
  const last = present([
    disk('8:0', 30),
    disk('8:16', 10),
    disk('8:32', 10, 1),
    disk('7:0', 5),
    disk('7:1', 5),
  ]);
  const { disks } = disksBetween(first, last);
  expect(Object.keys(disks ?? {})).toEqual(['8:0', '8:32']);
  expect(disks?.['8:0']).toMatchObject({ name: 'disk-8:0', first: { busy: 10 }, last: { busy: 30 } });
});

test('nothing is said when it could not be read twice', () => {
  expect(disksBetween(absent('/proc/diskstats', 'disabled', ''), present([]))).toEqual({});
});
