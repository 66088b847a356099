import { expect, test } from 'vitest';
import { syscallName, syscallNumber } from './names.ts';

test.each([
  ['x64', 0, 'read'],
  ['x64', 59, 'execve'],
  ['x64', 334, 'rseq'],
  ['x64', 424, 'pidfd_send_signal'],
  ['x64', 435, 'clone3'],
  ['x64', 462, 'mseal'],
  ['ia32', 5, 'open'],
  ['ia32', 39, 'mkdir'],
  ['ia32', 252, 'exit_group'],
  ['ia32', 295, 'openat'],
  ['ia32', 393, 'semget'],
  ['ia32', 403, 'clock_gettime64'],
  ['ia32', 435, 'clone3'],
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

test('calls of 32-bit programs have the numbers of their own architecture', () => {
  const compat = 0x2000_0000;
  expect(syscallName(39, 'x64')).toBe('getpid');
  expect(syscallName(39 | compat, 'x64')).toBe('mkdir (32-bit)');
  expect(syscallName(39 | compat, 'arm64')).toBe('syscall 39 (32-bit)');
});
