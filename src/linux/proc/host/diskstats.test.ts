import { expect, test } from 'vitest';
import { parseProcessIo } from '../io.ts';
import { parseDiskstats } from './diskstats.ts';

// Linux 6.18, 6.1 and 4.19 (which had no discards and flushes).
const line = '   7       0 loop0 441 1 5500 49 742 292 180522 634 3 484 1054 0 0 0 0 373 371';

test.each([
  ['6.18', line],
  ['4.19', '   7       0 loop0 441 1 5500 49 742 292 180522 634 3 484 1054'],
  ['with columns to come', `${line} 7 7 7`],
  ['among lines that are none', `\n${line}\nnonsense\n 7 x loop1 1 1\n`],
])('a device, %s', (_, text) => {
  expect(parseDiskstats(text)).toEqual([
    {
      device: '7:0',
      name: 'loop0',
      reads: 441,
      readBytes: 5500 * 512,
      writes: 742,
      writtenBytes: 180_522 * 512,
      inFlight: 3,
      busy: 484_000,
      queued: 1_054_000,
    },
  ]);
});

test('no device at all, and a text that is none', () => {
  expect(parseDiskstats('')).toEqual([]);
  expect(parseDiskstats('   7       0 loop0 441 1 55')).toBeUndefined();
});

const io = `rchar: 6976
wchar: 12
syscr: 10
syscw: 0
read_bytes: 4096
write_bytes: 8192
cancelled_write_bytes: 1024
`;

test('/proc/<pid>/io', () => {
  expect(parseProcessIo(io)).toEqual({ read: 4096, written: 8192, cancelled: 1024 });
  expect(parseProcessIo(`${io}something: 5\n`)).toEqual({ read: 4096, written: 8192, cancelled: 1024 });
  expect(parseProcessIo('')).toBeUndefined();
  expect(parseProcessIo(io.slice(0, -6))).toBeUndefined();
});
