import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from './printable.ts';

test.each([
  ['plain', 'plain'],
  ['日志 writer', '日志 writer'],
  ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
  ['two\nlines\tand a tab', 'two\\nlines\\tand a tab'],
  ['\u009b2J', '\\x9b2J'],
  ['a\u202egnp.exe', 'a\\u{202e}gnp.exe'],
  ['zero\u200bwidth', 'zero\\u{200b}width'],
  ['line\u2028separator', 'line\\u{2028}separator'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('nothing that moves a cursor or reverses text passes, whatever comes in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});
