import { afterEach, expect, test, vi } from 'vitest';
import { runProgram } from './commands.ts';

afterEach(() => void vi.unstubAllEnvs());

test('programs of sbin run also for a user whose PATH has no sbin', async () => {
  vi.stubEnv('PATH', '/nowhere');
  expect((await runProgram(['ldconfig', '--version'])).toString()).toContain('ldconfig');
});

test('a program that is nowhere is an error with its name', async () => {
  await expect(runProgram(['glassbox-has-no-such-program'])).rejects.toThrow('glassbox-has-no-such-program');
});
