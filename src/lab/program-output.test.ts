import { expect, test } from 'vitest';
import { openProgramOutput } from './program-output.ts';

test('a line is found before and after it was printed, whole, once', async () => {
  const output = openProgramOutput('web');
  output.add('starting\nport 80\nport 81\n');
  expect(await output.line(/^port/)).toBe('port 80');
  expect(await output.line(/^port/)).toBe('port 81');
  const later = output.line(/^done/);
  output.add('do');
  output.add('ne in 5 s');
  output.add('\n');
  expect(await later).toBe('done in 5 s');
});

test('a last line without its line break counts once the program has ended', async () => {
  const output = openProgramOutput('web');
  const line = output.line(/half/);
  output.add('half a line');
  output.end('it ended');
  expect(await line).toBe('half a line');
});

test('a program that ends or says nothing is reported with all it printed', async () => {
  const output = openProgramOutput('web');
  await expect(output.line(/ready/, 1)).rejects.toThrow(
    'web: no line /ready/ within 1 ms; it printed nothing',
  );
  output.add('cannot bind\n');
  output.end('it ended');
  await expect(output.line(/ready/)).rejects.toThrow(
    'web: it ended before it printed /ready/; it printed:\ncannot bind',
  );
  expect(output.all()).toBe('cannot bind\n');
});
