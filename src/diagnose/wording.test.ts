import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bytes, microseconds } from '../linux/units.ts';
import { sayBytes, sayCount, sayShare, saySignalMask, sayTime, shellWord } from './wording.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1.25 * 2 ** 30, '1.25 GiB'],
  [64 * 2 ** 20, '64 MiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (value, text) => {
  expect(sayBytes(bytes(value))).toBe(text);
});

test.each([
  [0, '0 ms'],
  [412, '0.412 ms'],
  [318_000, '318 ms'],
  [12_500_000, '12.5 s'],
])('%d us are %s', (value, text) => {
  expect(sayTime(microseconds(value))).toBe(text);
});

test('shares and counts', () => {
  expect([0, 0.004, 0.354, 1].map(sayShare)).toEqual(['0 %', 'less than 1 %', '35 %', '100 %']);
  expect([sayCount(1, 'thread'), sayCount(2, 'thread'), sayCount(2, 'process', 'processes')]).toEqual([
    '1 thread',
    '2 threads',
    '2 processes',
  ]);
});

test('signal masks look as the kernel prints them', () => {
  expect([[], [15], [1, 64]].map(saySignalMask)).toEqual([
    '0000000000000000',
    '0000000000004000',
    '8000000000000001',
  ]);
});

test.each([
  'plain-1.log',
  'two words',
  "it's",
  '$(touch /tmp/x)',
  '`id`',
  '-n',
  'a\nb',
  '\u001b[31mred',
  '日志',
  '%s\\n',
])('a shell reads %j back as it was', name => {
  const output = execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(name)}`], { encoding: 'utf8' });
  expect(output).toBe(name);
});
