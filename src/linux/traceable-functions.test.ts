import { expect, test } from 'vitest';
import { parseTraceableFunctions } from './traceable-functions.ts';

test('functions of the kernel and of its modules; what is no name is left out', () => {
  const text =
    'vfs_read\n__x64_sys_read\nestimation_timer [ip_vs]\nvfs_read [other]\nfoo.isra.0\n__ftrace_invalid_address___64\n\n; rm -rf\nx [';
  expect([...parseTraceableFunctions(text)]).toEqual([
    ['vfs_read', null],
    ['__x64_sys_read', null],
    ['estimation_timer', 'ip_vs'],
    ['foo.isra.0', null],
    ['__ftrace_invalid_address___64', null],
  ]);
});

test('nothing in nothing', () => {
  expect(parseTraceableFunctions('').size).toBe(0);
});
