import { expect, test } from 'vitest';
import { openProgramOutput } from './program-output.ts';

test('a line counts when it is whole, and what was looked at is not looked at again', async () => {
  const output = openProgramOutput('web');
  output.add('ready');
  const ready = output.line(/^ready/);
  output.add(' now\nready later\n');
  expect(await ready).toBe('ready now');
  expect(await output.line(/^ready/)).toBe('ready later');
});

test('at the end the rest is a line, and what never came is told with all that did', async () => {
  const output = openProgramOutput('web');
  output.add('one\nlast words');
  output.end('it ended');
  expect(await output.line(/last/)).toBe('last words');
  await expect(output.line(/never/)).rejects.toThrow(
    /web: it ended before it printed \/never\/.*one\nlast words/s,
  );
});

test('time is up: it says what was waited for', async () => {
  await expect(openProgramOutput('web').line(/^ready$/, 1)).rejects.toThrow(
    'web: no line /^ready$/ within 1 ms; it printed nothing',
  );
});
