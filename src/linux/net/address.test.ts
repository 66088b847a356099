import { expect, test } from 'vitest';
import { formatAddress } from './address.ts';

const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

test.each([
  ['7f000001', '127.0.0.1'],
  ['00000000', '0.0.0.0'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['fe800000000000000812a1fffea689a6', 'fe80::812:a1ff:fea6:89a6'],
  ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010db8000100010001000000010001', '2001:db8:1:1:1:0:1:1'],
  ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
])('%s is %s', (hex, expected) => {
  expect(formatAddress(fromHex(hex))).toBe(expected);
});
