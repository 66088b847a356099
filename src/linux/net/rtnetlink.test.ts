import { expect, test } from 'vitest';
import { readMessages } from './netlink.ts';
import { linkRequest, parseLink, parseQdisc, qdiscRequest, rtm } from './rtnetlink.ts';

const attribute = (type: number, payload: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + payload.length, true);
  view.setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
};
const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(part => [...part]));
const name = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);
const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};
const words64 = (...values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setBigUint64(8 * index, BigInt(value), true);
  return bytes;
};

/** struct ifinfomsg of device 7, up with carrier. */
const head = joined(word(0), word(7), word(0x10001), word(0));
const stats = words64(100, 90, 1, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 6);

test('a veth in another namespace', () => {
  const info = attribute(18 | 0x8000, attribute(1, name('veth')));
  const message = joined(
    head,
    attribute(3, name('vethab12')),
    attribute(4, word(1500)),
    attribute(5, word(2)),
    attribute(37, word(0)),
    attribute(10, word(9)),
    attribute(23, stats),
    info,
  );
  expect(parseLink(message, true)).toEqual({
    index: 7,
    name: 'vethab12',
    kind: 'veth',
    loopback: false,
    up: true,
    carrier: true,
    mtu: 1500,
    link: 2,
    linkNamespace: 0,
    master: 9,
    stats: { received: 100, sent: 90, receiveErrors: 2, sendErrors: 3, receiveDropped: 10, sendDropped: 5 },
  });
});

test('hardware has no kind, link or master; older kernels have fewer figures', () => {
  const message = joined(head, attribute(3, name('ens5')), attribute(23, stats.subarray(0, 64)));
  expect(parseLink(message, true)).toMatchObject({
    kind: '',
    link: null,
    master: null,
    stats: { receiveDropped: 4 },
  });
});

test.each([
  new Uint8Array(0),
  head,
  joined(head, attribute(3, name('x'))),
  joined(head, Uint8Array.of(255, 0, 3, 0, 1)),
])('not a device', message => {
  expect(parseLink(message, true)).toBeUndefined();
});

test('a queue and its drops; without figures they are none', () => {
  const tc = joined(word(0), word(7), word(0), word(0xffffffff), word(2));
  const queue = joined(word(0), word(0), word(83), word(0), word(9));
  const message = joined(tc, attribute(1, name('tbf')), attribute(7, attribute(3, queue)));
  expect(parseQdisc(message, true)).toEqual({ device: 7, kind: 'tbf', isRoot: true, drops: 83 });
  expect(parseQdisc(joined(tc, attribute(1, name('noqueue'))), true)?.drops).toBe(0);
  expect(parseQdisc(tc, true)).toBeUndefined();
});

test('a dump ends with done, or with what the kernel refused', () => {
  const message = (type: number, payload: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(16 + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, bytes.length, true);
    view.setUint16(4, type, true);
    bytes.set(payload, 16);
    return bytes;
  };
  const seen: number[] = [];
  const read = (bytes: Uint8Array) => readMessages(bytes, rtm.newLink, true, part => seen.push(part.length));
  expect(read(joined(message(rtm.newLink, head), message(rtm.newQdisc, head), message(3, word(0))))).toBe(
    'done',
  );
  expect(seen).toEqual([16]);
  expect(read(message(2, word(-1 >>> 0)))).toEqual({ error: 1 });
  expect(read(message(rtm.newLink, head))).toBe('more');
  expect(read(message(rtm.newLink, head).subarray(0, 20))).toBe('malformed');
});

test('requests ask for everything of one family', () => {
  expect([linkRequest(true).length, qdiscRequest(true).length]).toEqual([32, 36]);
});
