import { expect, test } from 'vitest';
import { namespaceIdRequest, parseNamespaceId, readNamespaceIds } from './namespace-ids.ts';

test('the request: header, rtgenmsg, one attribute with the descriptor', () => {
  expect(Buffer.from(namespaceIdRequest(7, true)).toString('hex')).toBe(
    ['1c000000', '5a000100', '01000000', '00000000', '00000000', '08000300', '07000000'].join(''),
  );
});

/** As Linux 6.18 answers for the namespace with number 3. */
const reply = Buffer.from(
  ['1c000000', '58000000', '01000000', '00000000', '00000000', '08000100', '03000000'].join(''),
  'hex',
);

test('the answer, and what is none', () => {
  expect(parseNamespaceId(reply, true)).toBe(3);
  const without = Buffer.from(reply);
  without.writeInt32LE(-1, 24);
  expect(parseNamespaceId(without, true)).toBe(-1);
  expect(parseNamespaceId(reply.subarray(0, 20), true)).toBeUndefined();
  expect(parseNamespaceId(Buffer.alloc(36), true)).toBeUndefined();
});

test('its own namespace has no number for itself, and a path that is none is left out', () => {
  const ids = readNamespaceIds(['/proc/self/ns/net', '/nonexistent']);
  expect(ids.present && ids.value.has('/nonexistent')).toBe(false);
});
