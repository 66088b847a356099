import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameReader } from './api.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

test('output and errors come out in their order, however the stream is cut', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 40 }), (parts, size) => {
      const stream = Buffer.concat(parts.map((part, index) => frame(index % 2 === 0 ? 1 : 2, part)));
      let heard = '';
      const read = frameReader(text => {
        heard += text;
      });
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
      expect(heard).toBe(parts.join(''));
    }),
  );
});

test('a character that is cut by a frame is put together again', () => {
  const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)];
  let heard = '';
  const read = frameReader(text => {
    heard += text;
  });
  for (const half of [first, second]) {
    read(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, half.length]), half]));
  }
  expect(heard).toBe('ü');
});
