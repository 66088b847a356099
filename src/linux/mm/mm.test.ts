import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { bytes } from '../units.ts';
import { controllerName, parsePoolName, readHugePagePools } from './hugepages.ts';
import { parseTransparentHugePages } from './transparent_hugepage.ts';

const names = [
  'nr_hugepages',
  'free_hugepages',
  'resv_hugepages',
  'surplus_hugepages',
  'nr_overcommit_hugepages',
];
const pool = (kibibytes: number, counts: readonly number[]): Record<string, string> =>
  Object.fromEntries(
    names.map((name, index) => [
      `/sys/kernel/mm/hugepages/hugepages-${kibibytes}kB/${name}`,
      `${counts[index]}\n`,
    ]),
  );

test('the pools of a host, smallest pages first', () => {
  using tree = temporaryTree({ ...pool(1_048_576, [0, 0, 0, 0, 0]), ...pool(2048, [16, 12, 3, 1, 4]) });
  expect(readHugePagePools(tree.files)).toEqual({
    present: true,
    value: [
      {
        size: '2MB',
        pageSize: 2 ** 21,
        total: 16,
        free: 12,
        reserved: 3,
        surplus: 1,
        mayGrowBy: 4,
      },
      {
        size: '1GB',
        pageSize: 2 ** 30,
        total: 0,
        free: 0,
        reserved: 0,
        surplus: 0,
        mayGrowBy: 0,
      },
    ],
  });
});

test('a kernel without huge pages, and a file that is not a number', () => {
  using none = temporaryTree({});
  expect(readHugePagePools(none.files).present).toBe(false);
  using odd = temporaryTree({
    ...pool(2048, [16, 12, 3, 1, 4]),
    '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': 'many\n',
  });
  expect(readHugePagePools(odd.files)).toMatchObject({ present: false, because: 'unreadable' });
});

test.each([
  [64 * 1024, '64KB'],
  [2 ** 21, '2MB'],
  [2 ** 30, '1GB'],
  [16 * 2 ** 30, '16GB'],
])('%d bytes are %s in the names of the controller', (size, name) => {
  expect(controllerName(bytes(size))).toBe(name);
});

test.each([
  ['always [madvise] never\n', 'madvise'],
  ['[always] madvise never\n', 'always'],
  ['always madvise [never]\n', 'never'],
  ['always madvise never\n', undefined],
  ['[inherit]\n', undefined],
  ['', undefined],
])('transparent huge pages %j', (text, mode) => {
  expect(parseTransparentHugePages(text)).toBe(mode);
});

test('no text throws', () => {
  fc.assert(fc.property(fc.string(), text => void [parsePoolName(text), parseTransparentHugePages(text)]));
});
