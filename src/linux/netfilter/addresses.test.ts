import { expect, test } from 'vitest';
import { addressBytes, isAddressIn, isSameAddress } from './addresses.ts';

test.each([
  ['10.9.0.2', '10.9.0.0/24', true],
  ['10.9.1.2', '10.9.0.0/24', false],
  ['10.9.0.2', '10.9.0.2', true],
  ['10.9.0.2', '0.0.0.0/0', true],
  ['10.9.0.2', '10.9.0.0/255.255.255.0', true],
  ['10.9.0.7', '10.9.0.1-10.9.0.9', true],
  ['10.9.0.10', '10.9.0.1-10.9.0.9', false],
  ['fd00::2', 'fd00::/64', true],
  ['fd00::2', 'fd00:0:0:0:0:0:0:2', true],
  ['::ffff:10.9.0.2', '::ffff:a09:2', true],
  ['fd01::2', 'fd00::/64', false],
  ['10.9.0.2', 'fd00::/64', false],
])('%s in %s: %s', (address, set, expected) => {
  expect(isAddressIn(address, set)).toBe(expected);
});

test('what is no address is neither in nor out', () => {
  for (const set of ['LOCAL', '', '10.9.0.0/99', '10.9.0.0/255.0.255.0', '@allowed', '10.9.0.1-'])
    expect(isAddressIn('10.9.0.2', set)).toBeUndefined();
  expect(isAddressIn('', '10.9.0.0/24')).toBeUndefined();
});

test('the same address in another spelling', () => {
  expect(isSameAddress('fd00::0:2', 'fd00::2')).toBe(true);
  expect(isSameAddress('10.0.0.1', '10.0.0.2')).toBe(false);
});

test('bytes in network order', () => {
  expect([...(addressBytes('10.9.0.2') ?? [])]).toEqual([10, 9, 0, 2]);
  expect(addressBytes('::1')?.length).toBe(16);
  expect(addressBytes('db')).toBeUndefined();
});
