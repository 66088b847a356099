import { expect, test } from 'vitest';
import { syscallName, syscallNumber } from './names.ts';

test.each([
  ['x64', 0, 'read'],
  ['x64', 59, 'execve'],
  ['x64', 334, 'rseq'],
  ['x64', 424, 'pidfd_send_signal'],
  ['x64', 435, 'clone3'],
  ['x64', 462, 'mseal'],
  ['arm64', 63, 'read'],
  ['arm64', 79, 'newfstatat'],
  ['arm64', 221, 'execve'],
  ['arm64', 435, 'clone3'],
] as const)('%s: %i is %s', (architecture, number, name) => {
  expect(syscallName(number, architecture)).toBe(name);
  expect(syscallNumber(name, architecture)).toBe(number);
});

test('what has no name is told by its number', () => {
  expect(syscallName(380, 'x64')).toBe('syscall 380');
  expect(syscallName(3, 'riscv')).toBe('syscall 3');
  expect(syscallName(-1)).toBe('none');
});
