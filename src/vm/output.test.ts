import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openControl } from './control.ts';
import { openOutput } from './output.ts';

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('the output of a command ends at its mark, however it is cut', async () => {
  const whole = Buffer.from('out\0put \0\0end 6 1\n\0end 7 42\n');
  for (let cut = 1; cut < whole.length; cut += 1) {
    const stream = new PassThrough();
    const chunks: Buffer[] = [];
    const code = openOutput(stream).until(7, chunk => chunks.push(Buffer.from(chunk)));
    stream.write(whole.subarray(0, cut));
    await tick();
    stream.write(whole.subarray(cut));
    expect(await code).toBe(42);
    expect(Buffer.concat(chunks).toString()).toBe('out\0put \0\0end 6 1\n');
  }
});

test('output is handed on at once, not only at the end', async () => {
  const stream = new PassThrough();
  const chunks: string[] = [];
  const code = openOutput(stream).until(1, chunk => chunks.push(chunk.toString()));
  stream.write('a line\n');
  await tick();
  expect(chunks).toEqual(['a line\n']);
  stream.write('\0end 1 0\n');
  expect(await code).toBe(0);
});

test('what the agent says is taken by lines, before and after somebody waits for it', async () => {
  const stream = new PassThrough();
  const control = openControl(stream);
  stream.write('ready 2.31 6.1.0');
  await tick();
  const ready = control.next(/^ready \S+ (\S+)$/);
  stream.write('-56-cloud-amd64\nnoise\nfiles 3 ');
  expect((await ready)[1]).toBe('6.1.0-56-cloud-amd64');
  const files = control.next(/^files 3 (-?\d+)$/);
  stream.write('-1\n');
  expect((await files)[1]).toBe('-1');
});
