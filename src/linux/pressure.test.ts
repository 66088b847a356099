import { expect, test } from 'vitest';
import { parsePressure } from './pressure.ts';

test('6.18: both lines', () => {
  expect(
    parsePressure(
      'some avg10=0.42 avg60=1.90 avg300=0.80 total=9247790\nfull avg10=0.00 avg60=0.10 avg300=0.00 total=5237\n',
    ),
  ).toEqual({
    some: { avg10: 0.42, avg60: 1.9, avg300: 0.8, total: 9_247_790 },
    full: { present: true, value: { avg10: 0, avg60: 0.1, avg300: 0, total: 5237 } },
  });
});

test('5.4: the cpu file has no full line', () => {
  expect(parsePressure('some avg10=100.00 avg60=99.10 avg300=3.00 total=123\n')).toMatchObject({
    some: { avg10: 100 },
    full: { present: false, because: 'kernel-too-old' },
  });
});

test.each(['', 'some avg10=0.42 avg60=1.90', 'full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n'])(
  'not PSI: %j',
  text => {
    expect(parsePressure(text)).toBeUndefined();
  },
);
