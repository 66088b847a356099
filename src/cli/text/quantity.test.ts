import { expect, test } from 'vitest';
import { limitOf, noLimit } from '../../linux/units.ts';
import { formatAge, formatBytes, formatLimit, formatMicroseconds } from './quantity.ts';

test.each([
  [0, '0'],
  [512, '512B'],
  [1536, '1.5K'],
  [212 * 2 ** 20, '212M'],
  [3.9 * 2 ** 30, '3.9G'],
  [2 ** 33, '8G'],
])('%d bytes are %s', (value, text) => {
  expect(formatBytes(value)).toBe(text);
});

test.each([
  [3000, '3 s'],
  [12 * 60_000, '12 m'],
  [26 * 3_600_000, '26 h'],
  [3 * 86_400_000, '3 d'],
  [-5, '0 s'],
])('%d ms are %s', (value, text) => {
  expect(formatAge(value)).toBe(text);
});

test('limits and times', () => {
  expect([formatLimit(noLimit, String), formatLimit(limitOf(5), String)]).toEqual(['–', '5']);
  expect([400, 318_000, 2_400_000].map(formatMicroseconds)).toEqual(['400 µs', '318 ms', '2.4 s']);
});
