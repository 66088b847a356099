import { expect, test } from 'vitest';
import { parseUnixSocket, unixDumpRequest } from './unix-diag.ts';

const attribute = (type: number, value: Uint8Array): readonly number[] => {
  const padding = new Array((4 - (value.length % 4)) % 4).fill(0);
  return [4 + value.length, 0, type, 0, ...value, ...padding];
};
const word = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);
const message = (...attributes: readonly (readonly number[])[]): Uint8Array =>
  new Uint8Array([1, 1, 1, 0, ...word(4711), ...new Array(8).fill(0), ...attributes.flat()]);
const name = (text: string): readonly number[] => attribute(0, new TextEncoder().encode(text));

test.each([
  ['a client', [attribute(2, word(4712))], { inode: 4711, peer: 4712, name: null }],
  ['a path', [name('/run/x.sock\0'), attribute(2, word(7))], { inode: 4711, peer: 7, name: '/run/x.sock' }],
  ['an abstract name', [name('\0x')], { inode: 4711, peer: null, name: '@x' }],
  ['escape codes', [name('/\u001b[2J')], { inode: 4711, peer: null, name: '/\u001b[2J' }],
  ['an attribute that nobody knows', [attribute(9, word(1))], { inode: 4711, peer: null, name: null }],
])('%s', (_, attributes, socket) => {
  expect(parseUnixSocket(message(...attributes), true)).toEqual(socket);
});

test.each([
  ['empty', new Uint8Array()],
  ['another family', new Uint8Array(16)],
  ['cut short', message(attribute(2, word(4712))).subarray(0, 20)],
  ['an attribute of no length', message([0, 0, 0, 0])],
])('not a unix socket: %s', (_, bytes) => {
  expect(parseUnixSocket(bytes, true)).toBeUndefined();
});

test('asks for connected sockets, their names and their other ends', () => {
  const request = unixDumpRequest(true);
  expect(request).toHaveLength(40);
  expect([request[16], request[20], request[28]]).toEqual([1, 2, 5]);
});
