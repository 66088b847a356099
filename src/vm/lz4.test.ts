import { expect, test } from 'vitest';
import { unpackLegacyLz4 } from './lz4.ts';

const magic = [0x02, 0x21, 0x4c, 0x18];
const legacy = (...blocks: readonly (readonly number[])[]): Buffer =>
  Buffer.from([...magic, ...blocks.flatMap(block => [block.length, 0, 0, 0, ...block])]);
const ascii = (text: string): readonly number[] => [...Buffer.from(text)];

test.each([
  ['literals alone', [0x30, ...ascii('abc')], 'abc'],
  [
    'a match that overlaps what it writes',
    [0x24, ...ascii('ab'), 2, 0, 0x10, ...ascii('!')],
    'abababababab!'.slice(0, 10).concat('!'),
  ],
  ['more literals than the nibble can say', [0xf0, 2, ...ascii('a'.repeat(17))], 'a'.repeat(17)],
  [
    'a match longer than the nibble can say',
    [0x1f, ...ascii('x'), 1, 0, 3, 0x00],
    'x'.repeat(1 + 4 + 15 + 3),
  ],
])('%s', (_, block, text) => {
  expect(unpackLegacyLz4(legacy(block)).toString()).toBe(text);
});

test('blocks follow each other', () => {
  expect(unpackLegacyLz4(legacy([0x10, ...ascii('a')], [0x10, ...ascii('b')])).toString()).toBe('ab');
});

test.each([
  ['another form', Buffer.from([0x04, 0x22, 0x4d, 0x18, 0, 0, 0, 0])],
  ['a match before the beginning', legacy([0x10, ...ascii('a'), 9, 0, 0x00])],
  ['data that is cut short', legacy([0x1f, ...ascii('a'), 1])],
])('%s is refused', (_, data) => {
  expect(() => unpackLegacyLz4(data)).toThrow(/LZ4/);
});
