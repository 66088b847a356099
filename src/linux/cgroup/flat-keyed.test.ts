import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitsOf, keyedCounts, parseLimit, parseSingleCount } from './flat-keyed.ts';

const counts = keyedCounts('file', 'anon', 'missing');

test('finds keys in any order, at the start, and not inside other keys', () => {
  expect(counts('anon 1\nfile 2\n')).toEqual({ anon: 1, file: 2, missing: undefined });
  expect(counts('file 2\nanon 1\n')).toEqual({ anon: 1, file: 2, missing: undefined });
  expect(counts('inactive_file 7\ninactive_anon 8\nfile 2\n')).toMatchObject({ anon: undefined, file: 2 });
});

test.each([
  ['', undefined],
  ['file', undefined],
  ['file ', undefined],
  ['file 12', undefined],
  ['file -1\n', undefined],
  ['file max\n', undefined],
  ['file 12a\n', undefined],
  ['file 9007199254740993\n', undefined],
  ['file 9007199254740991\n', 9007199254740991],
  ['file 7 extra\n', 7],
])('a value in %j', (text, value) => {
  expect(counts(text).file).toBe(value);
});

test('digits of a counter that is larger than a double holds', () => {
  const text = 'nr_periods 2\nxthrottled_time 1\nthrottled_time 18446744073709551615\nburst_time 0\n';
  expect(digitsOf(text, 'throttled_time')).toBe('18446744073709551615');
  expect(digitsOf('throttled_time 5\n', 'throttled_time')).toBe('5');
  expect(digitsOf('throttled_time 5', 'throttled_time')).toBeUndefined();
  expect(digitsOf('nr_periods 2\n', 'throttled_time')).toBeUndefined();
});

test('max is no number', () => {
  expect(parseLimit('max\n')).toEqual({ kind: 'max' });
  expect(parseLimit('50\n')).toEqual({ kind: 'limit', value: 50 });
  expect(parseLimit('maximal\n')).toBeUndefined();
  expect(parseLimit('')).toBeUndefined();
});

test('each count that was written is found again', () => {
  const key = fc.stringMatching(/^[a-z_]{1,12}$/);
  const lines = fc.uniqueArray(fc.tuple(key, fc.maxSafeNat()), { selector: ([name]) => name, minLength: 1 });
  fc.assert(
    fc.property(lines, fc.array(key), (written, others) => {
      const text = written.map(([name, value]) => `${name} ${value}\n`).join('');
      const found = keyedCounts(...others, ...written.map(([name]) => name))(text);
      for (const [name, value] of written) expect(found[name]).toBe(value);
    }),
  );
});

test('no input throws', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      counts(text);
      digitsOf(text, 'file');
      parseLimit(text);
      parseSingleCount(text);
    }),
  );
});
