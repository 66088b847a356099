import { expect, test } from 'vitest';
import { parseCpuList } from './cpulist.ts';

test.each([
  ['0-1\n', [0, 1]],
  ['0-3,7\n', [0, 1, 2, 3, 7]],
  ['5\n', [5]],
  ['7,0-2', [0, 1, 2, 7]],
  ['\n', []],
  ['', []],
  ['3-1\n', undefined],
  ['0-\n', undefined],
  ['a\n', undefined],
  ['0-4294967295\n', undefined],
])('%j', (text, cpus) => {
  expect(parseCpuList(text)).toEqual(cpus);
});
