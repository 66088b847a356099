import { expect, test } from 'vitest';
import { decodeEvent } from './decode.ts';

/** `struct exec_event` of exec.bpf.c. */
function record(file: string, words: string, bytesOfAll = words.length): Buffer {
  const bytes = Buffer.alloc(104 + file.length + 1 + words.length);
  bytes.writeBigUInt64LE(2_000_000n, 0);
  const numbers = [1, 4711, 7, 4700, 1, 1000, 2, file.length + 1, words.length, bytesOfAll];
  for (const [index, value] of numbers.entries()) bytes.writeUInt32LE(value, 8 + 4 * index);
  bytes.write('sh', 48);
  bytes.write('pts0', 64);
  bytes.write(`${file}\0${words}`, 104);
  return bytes;
}

test('file, arguments, parent and terminal', () => {
  expect(decodeEvent(record('/bin/echo', 'echo\0a b\0\0'), 1_000_000n)).toMatchObject({
    kind: 'exec',
    at: 1,
    pid: 4711,
    inside: 7,
    parent: { pid: 4700, inside: 1, name: 'sh' },
    uid: 1000,
    tty: 'pts0',
    file: '/bin/echo',
    arguments: ['echo', 'a b', ''],
    argumentsCut: false,
  });
});

test('arguments that were cut, and none', () => {
  expect(decodeEvent(record('/x', 'x\0aaa', 5000), 0n)).toMatchObject({
    arguments: ['x', 'aaa'],
    argumentsCut: true,
  });
  expect(decodeEvent(record('/x', ''), 0n)).toMatchObject({ arguments: [] });
});

test.each([
  [0x0700, { kind: 'exit', code: 7 }],
  [0x89, { kind: 'signal', signal: 9 }],
])('status %i', (status, ended) => {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(status, 20);
  expect(decodeEvent(bytes, 0n)).toMatchObject({ kind: 'exit', ended });
});

test.each([
  [0, undefined],
  [1, 'lower'],
  [2, 'upper'],
  [4, 'elsewhere'],
  [99, undefined],
])('place %i is %s', (number, place) => {
  const bytes = record('/x', 'x');
  bytes.writeUInt32LE(number, 100);
  const event = decodeEvent(bytes, 0n);
  expect(event.kind === 'exec' ? event.program?.place : 'no exec').toBe(place);
});
