import { expect, test } from 'vitest';
import { parseSwaps } from './swaps.ts';

const titles = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';

test.each([
  ['none', titles, []],
  [
    'a file, 6.18',
    `${titles}/var/tmp/c3-swap                         file\t\t131068\t\t26680\t\t-2\n`,
    [{ path: '/var/tmp/c3-swap', size: 131_068 * 1024, used: 26_680 * 1024 }],
  ],
  [
    'a path with a blank, and a partition',
    `${titles}/a\\040b file 8 0 -3\n/dev/sda2 partition 1048572 512 -2\n`,
    [
      { path: '/a b', size: 8192, used: 0 },
      { path: '/dev/sda2', size: 1_048_572 * 1024, used: 512 * 1024 },
    ],
  ],
  ['cut short', `${titles}/swap file 8`, []],
  ['no titles', '/swap file 8 0 -2\n', undefined],
  ['empty', '', undefined],
])('%s', (_, text, areas) => {
  expect(parseSwaps(text)).toEqual(areas);
});
