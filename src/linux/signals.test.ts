import { expect, test } from 'vitest';
import { parseSignal, saySignal } from './signals.ts';

test.each([
  ['SIGTERM', 15],
  ['INT', 2],
  ['sigquit', 3],
  ['28', 28],
  ['SIGRTMIN+3', 37],
  ['RTMAX-1', 63],
  ['', undefined],
  ['0', undefined],
  ['65', undefined],
  ['SIGRTMIN+99', undefined],
  ['constructor', undefined],
  ['SIGTERM; reboot', undefined],
])('%j is %o', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each([
  [15, 'SIGTERM'],
  [37, 'SIGRTMIN+3'],
  [32, 'signal 32'],
])('%i is called %s', (number, name) => {
  expect(saySignal(number)).toBe(name);
});
