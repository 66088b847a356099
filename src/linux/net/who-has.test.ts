import { expect, test } from 'vitest';
import { addressBytes } from '../netfilter/addresses.ts';
import { checksum, echoRequest } from './echo.ts';
import { questionFor } from './who-has.ts';

const mac = [0x02, 0, 0, 0, 0, 0x02];
const other = [0x02, 0, 0, 0, 0, 0x99];

test('the checksum of a message that carries its own is zero', () => {
  expect(checksum(echoRequest(8, 0xbeef, 64))).toBe(0);
  // An odd length is padded; RFC 1071 has this example.
  expect(checksum(Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]))).toBe(0x220d);
});

test('an ARP question from no address, and whose answer counts', () => {
  const question = questionFor('10.77.0.2', mac);
  expect(question?.to).toEqual([255, 255, 255, 255, 255, 255]);
  expect([...(question?.payload ?? [])].slice(14, 18)).toEqual([0, 0, 0, 0]);
  const answer = (operation: number, sender: readonly number[]) =>
    Uint8Array.from([0, 1, 8, 0, 6, 4, 0, operation, ...other, ...sender, ...mac, 0, 0, 0, 0]);
  expect(question?.holderIn(answer(2, [10, 77, 0, 2]))).toBe('02:00:00:00:00:99');
  expect(question?.holderIn(answer(2, [10, 77, 0, 3]))).toBeUndefined();
  expect(question?.holderIn(answer(1, [10, 77, 0, 2]))).toBeUndefined();
  expect(question?.holderIn(answer(2, [10, 77, 0, 2]).subarray(0, 20))).toBeUndefined();
});

test('a neighbour solicitation to the group of the address, and advertisements of it', () => {
  const question = questionFor('fd77::2:3', mac);
  expect(question?.to).toEqual([0x33, 0x33, 0xff, 2, 0, 3]);
  const { payload = new Uint8Array() } = question ?? {};
  expect([payload.length, payload[6], payload[7], payload[40]]).toEqual([64, 58, 255, 135]);
  const target = addressBytes('fd77::2:3') ?? new Uint8Array();
  const advertisement = (options: readonly number[], about = target) =>
    Uint8Array.from([
      ...Array.from({ length: 40 }, (_, at) => (at === 6 ? 58 : 0)),
      136,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...about,
      ...options,
    ]);
  expect(question?.holderIn(advertisement([2, 1, ...other]))).toBe('02:00:00:00:00:99');
  expect(question?.holderIn(advertisement([1, 1, ...mac, 2, 1, ...other]))).toBe('02:00:00:00:00:99');
  // No option, one of no length, and somebody else's address.
  expect(question?.holderIn(advertisement([]))).toBeUndefined();
  expect(question?.holderIn(advertisement([9, 0, 0, 0, 0, 0, 0, 0, 0]))).toBeUndefined();
  expect(
    question?.holderIn(advertisement([2, 1, ...other], addressBytes('fd77::4') ?? target)),
  ).toBeUndefined();
});

test('text that is no address, or no link-layer address of six bytes, is no question', () => {
  expect(questionFor('host', mac)).toBeUndefined();
  expect(questionFor('10.77.0.2', [1, 2, 3])).toBeUndefined();
});
