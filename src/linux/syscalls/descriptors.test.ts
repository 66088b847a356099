import { expect, test } from 'vitest';
import { openKernelFiles } from '../files.ts';
import { reserveDescriptors } from './descriptors.ts';

/** `FDSize:` of /proc/self/status: how many descriptors the table has room for. */
function tableSize(): number {
  const text = openKernelFiles().read('/proc/self/status');
  return text.present ? Number(/^FDSize:\s+(\d+)$/m.exec(text.value)?.[1]) : Number.NaN;
}

test('the table grows in one step, and nothing stays open', () => {
  const size = tableSize();
  const before = openKernelFiles().list('/proc/self/fd');
  reserveDescriptors(size * 4);
  expect(tableSize()).toBe(size * 4);
  expect(openKernelFiles().list('/proc/self/fd')).toEqual(before);
});

test('more than the limit allows is not an error', () => {
  expect(() => reserveDescriptors(2 ** 30)).not.toThrow();
});
