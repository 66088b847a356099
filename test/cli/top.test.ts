import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { glassbox, root } from './run.ts';

test('top --json: a line for each window, then it ends', context => {
  const { code, output, errors } = glassbox(['top', '--json', '--every', '50ms', '--times', '2']);
  context.skip(code === 3, errors);
  expect(code).toBe(0);
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ version: 1, containers: expect.any(Array) });
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it cleanly, in the middle of a window', async signal => {
  const words = [join(root, 'src/cli/main.ts'), 'top', '--json', '--every', '300ms'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  child.kill(signal);
  // 3: without the right to see containers it ends by itself.
  expect([0, 3]).toContain((await ended)[0]);
});

test.each([
  [['top', '--every', 'now'], /from 10ms to 600s/],
  [['top', '--times', '0'], /whole number/],
  [['top', 'nobody-has-this-name'], /no container "nobody-has-this-name"|can be seen from here/],
])('%j is told what is wrong', (words, message) => {
  const { code, errors } = glassbox(words);
  expect([2, 3]).toContain(code);
  expect(errors.replace(/\s+/g, ' ')).toMatch(message);
});
