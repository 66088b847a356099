import { property, assert as propertyHolds, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { addressFamily, listenDumpRequest, parseListenDump } from './inet-diag.ts';

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

/** Captured on Linux 6.18, x86-64: 127.0.0.1:7003 with a backlog of 5, twelve clients, nobody accepts. */
const ipv4 = fromHex(
  'a4000000140002000100000065540000020a00001b5b00007f00000100000000000000000000000000000000000000000000' +
    '00000000000000000000040000000000000000000000060000000500000000000000e51e0100050008000000000008000f00' +
    '000000000c001500010000000000000006001600520000002800070000000000000002000000000000400000000000000000' +
    '0000000000000000000010000000',
);
/** The same run: [::]:8080 with a backlog of 511, nobody connects. */
const ipv6 = fromHex(
  'ac000000140002000100000064f2c5f90a0a00001f9000000000000000000000000000000000000000000000000000000000' +
    '0000000000000000000005000000000000000000000000000000ff01000000000000e61e0100050008000000000005000b00' +
    '0000000008000f00000000000c00150001000000000000000600160012000000280007000000000000000200000000000040' +
    '00000000000000000000000000000000000000000000',
);
const done = fromHex('1400000003000200010000006554000000000000');

/** A refusal: NLMSG_ERROR with -EPERM, and the header of the request. */
const refused = fromHex('24000000020000000100000000000000ffffffff48000000140001030100000000000000');

test('the request names TCP, the state LISTEN alone, and the memory attribute', () => {
  const bytes = Buffer.from(listenDumpRequest(addressFamily.inet, true));
  expect(bytes.length).toBe(72);
  expect(bytes.toString('hex', 0, 24)).toBe('48000000140001030100000000000000' + '02064000' + '00040000');
  expect(bytes.toString('hex', 24)).toMatch(/^0+$/);
});

test('the request in the other byte order', () => {
  const bytes = Buffer.from(listenDumpRequest(addressFamily.inet6, false));
  expect(bytes.toString('hex', 0, 24)).toBe('00000048001403010000000100000000' + '0a064000' + '00000400');
});

test('reads a full listener with its drops', () => {
  expect(parseListenDump(ipv4, true)).toEqual({
    end: 'more',
    sockets: [
      {
        address: '127.0.0.1',
        port: 7003,
        queued: 6,
        backlog: { present: true, value: 5 },
        drops: { present: true, value: 16 },
        inode: 73445,
        uid: 0,
      },
    ],
  });
});

test('reads IPv6', () => {
  expect(parseListenDump(ipv6, true).sockets).toMatchObject([
    { address: '::', port: 8080, queued: 0, backlog: { value: 511 }, drops: { value: 0 } },
  ]);
});

test('several messages in a datagram, and the end of the dump', () => {
  const whole = Buffer.concat([ipv4, ipv6, done]);
  const { sockets, end } = parseListenDump(whole, true);
  expect(sockets.map(({ port }) => port)).toEqual([7003, 8080]);
  expect(end).toBe('done');
});

test('a kernel before 4.7 has eight words: no drops', () => {
  const old = Uint8Array.from(ipv4.subarray(0, ipv4.length - 4));
  const view = new DataView(old.buffer);
  view.setUint32(0, old.length, true);
  view.setUint16(old.length - 36, 36, true);
  expect(parseListenDump(old, true).sockets).toMatchObject([{ drops: { because: 'kernel-too-old' } }]);
});

test('says which errno the kernel refused with', () => {
  expect(parseListenDump(refused, true)).toEqual({ sockets: [], end: { error: 1 } });
});

test('every cut of a datagram is noticed', () => {
  for (let length = 1; length < ipv4.length; length += 1) {
    expect(parseListenDump(ipv4.subarray(0, length), true)).toEqual({ sockets: [], end: 'malformed' });
  }
});

test('no bytes throw', () => {
  propertyHolds(
    property(uint8Array({ maxLength: 300 }), bytes => {
      parseListenDump(bytes, true);
      parseListenDump(bytes, false);
      parseListenDump(Buffer.concat([ipv4.subarray(0, 16), bytes]), true);
      parseListenDump(Buffer.concat([ipv4.subarray(0, 88), bytes]), true);
    }),
  );
});
