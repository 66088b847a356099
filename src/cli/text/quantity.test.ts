import { expect, test } from 'vitest';
import { limitOf, noLimit } from '../../linux/units.ts';
import { formatBytes, formatFigure, formatLimit, formatSince } from './quantity.ts';

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
  expect(formatSince(new Date(1e12 - value).toISOString(), new Date(1e12).toISOString())).toBe(text);
});

test('limits and figures', () => {
  expect([formatLimit(noLimit, String), formatLimit(limitOf(5), String)]).toEqual(['–', '5']);
  expect([400, 318_000].map(value => formatFigure('us', value))).toEqual(['0.4 ms', '318 ms']);
  expect([formatFigure('percent', 99.6), formatFigure('count', 7)]).toEqual(['100 %', '7']);
});
