import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes } from '../units.ts';
import { spread } from './huge-contents.ts';
import { parseHugeMappings } from './huge-mappings.ts';

const MiB = 2 ** 20;

/** Linux 6.18, shortened: lines that come between are left out. */
const smaps = `5581c2a00000-5581c2a21000 rw-p 00000000 00:00 0                          [heap]
Size:                132 kB
Rss:                   8 kB
AnonHugePages:         0 kB
VmFlags: rd wr mr mw me ac sd
7f1c84000000-7f1c8a200000 rw-p 00000000 00:00 0 
Size:             100352 kB
Rss:               98304 kB
AnonHugePages:     98304 kB
FilePmdMapped:         0 kB
VmFlags: rd wr mr mw me ac sd hg
7ffd1c000000-7ffd1c021000 rw-p 00000000 00:00 0                          [stack]
AnonHugePages:         0 kB
`;

test('the mappings with transparent huge pages', () => {
  expect(parseHugeMappings(smaps)).toEqual([
    { from: 0x7f1c84000000, to: 0x7f1c8a200000, anonymousHuge: 98_304 * 1024 },
  ]);
});

test('none, and what is no smaps', () => {
  expect(parseHugeMappings(smaps.replace('98304 kB\nFile', '0 kB\nFile'))).toEqual([]);
  expect(parseHugeMappings('')).toBeUndefined();
  expect(parseHugeMappings('AnonHugePages:  4 kB\n')).toBeUndefined();
});

test('a file whose name looks like a line of smaps does not make a mapping huge', () => {
  const hostile =
    '7f0000000000-7f0000200000 r--s 00000000 00:05 1 /AnonHugePages:  98304 kB\nAnonHugePages:         0 kB\n';
  expect(parseHugeMappings(hostile)).toEqual([]);
});

test('no text throws', () => {
  fc.assert(fc.property(fc.string(), text => void parseHugeMappings(text)));
});

const mapping = (from: number, to: number) => ({ from, to, anonymousHuge: bytes(to - from) });

test.each([
  ['all, where there are few', [mapping(0, 6 * MiB)], 16, [0, 2 * MiB, 4 * MiB]],
  ['aligned inside the mapping', [mapping(MiB, 5 * MiB)], 16, [2 * MiB]],
  ['evenly over one', [mapping(0, 16 * MiB)], 2, [0, 8 * MiB]],
  [
    'evenly over several',
    [mapping(0, 8 * MiB), mapping(100 * MiB, 108 * MiB)],
    4,
    [0, 4 * MiB, 100 * MiB, 104 * MiB],
  ],
  ['nothing in one that is too small', [mapping(MiB, 2 * MiB)], 4, []],
])('%s', (_, mappings, most, addresses) => {
  expect(spread(mappings, most)).toEqual(addresses);
});

test('never more than wanted, never outside, never one twice', () => {
  const ranges = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 2 ** 32 })),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(ranges, fc.integer({ min: 1, max: 32 }), (pairs, most) => {
      let at = 0;
      const mappings = pairs.map(([gap, length]) => {
        const from = at + gap;
        at = from + length;
        return mapping(from, at);
      });
      const addresses = spread(mappings, most);
      expect(addresses.length).toBeLessThanOrEqual(most);
      expect(new Set(addresses).size).toBe(addresses.length);
      for (const address of addresses)
        expect(mappings.some(({ from, to }) => address >= from && address + 2 * MiB <= to)).toBe(true);
    }),
  );
});
