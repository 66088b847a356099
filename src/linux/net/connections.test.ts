import { expect, test } from 'vitest';
import { connectionDumpRequest, connectionRequest, viewSocket } from './connections.ts';
import { addressFamily } from './inet-diag.ts';
import { parsePortRange, portsIn, reservedWithin } from './ports.ts';
import { parseTcpInfo } from './tcp-info.ts';

/** inet_diag_msg of `ss -tn`: 10.0.0.2:40000 → 10.0.0.9:443, ESTAB, window probe, 7 tries, Recv-Q 5, Send-Q 9. */
function message(
  change: (view: DataView) => void = () => {},
  attributes: readonly number[] = [],
): Uint8Array {
  const bytes = new Uint8Array(72 + attributes.length);
  const view = new DataView(bytes.buffer);
  bytes.set([addressFamily.inet, 1, 4, 7]);
  view.setUint16(4, 40_000);
  view.setUint16(6, 443);
  bytes.set([10, 0, 0, 2], 8);
  bytes.set([10, 0, 0, 9], 24);
  view.setUint32(44, 0xabc, true);
  view.setUint32(56, 5, true);
  view.setUint32(60, 9, true);
  view.setUint32(68, 4711, true);
  bytes.set(attributes, 72);
  change(view);
  return bytes;
}

test('a connection, as ss shows it', () => {
  const socket = viewSocket(message(), true);
  expect(socket).toMatchObject({
    state: 1,
    timer: 'window-probe',
    tries: 7,
    unread: 5,
    unsent: 9,
    inode: 4711,
  });
  expect(socket?.keep()).toMatchObject({
    local: '10.0.0.2',
    localPort: 40_000,
    remote: '10.0.0.9',
    remotePort: 443,
    state: 'ESTAB',
    cookie: '000000abc',
    info: null,
    receiveMemory: null,
  });
});

test('one destination, one key; another port or address, another', () => {
  const key = (change?: (view: DataView) => void) => viewSocket(message(change), true)?.destinationKey();
  expect(key(view => view.setUint16(4, 40_001))).toBe(key());
  expect(key(view => view.setUint16(6, 80))).not.toBe(key());
  expect(key(view => view.setUint8(27, 8))).not.toBe(key());
});

test('IPv4 over an IPv6 socket is the same address, and is asked for as IPv6', () => {
  const mapped = viewSocket(
    message(view => {
      view.setUint8(0, addressFamily.inet6);
      const both = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 9];
      for (const [index, byte] of both.entries()) {
        view.setUint8(8 + index, byte);
        view.setUint8(24 + index, byte);
      }
    }),
    true,
  )?.keep();
  expect(mapped?.remote).toBe('10.0.0.9');
  if (mapped === undefined) throw new Error('no socket');
  expect(connectionRequest(mapped, true)[16]).toBe(addressFamily.inet6);
});

test('memory and tcp_info come as attributes; a short or broken one is left out', () => {
  const memory = [12, 0, 7, 0, 0x10, 0x27, 0, 0, 0, 0, 2, 0];
  expect(viewSocket(message(undefined, memory), true)?.keep().receiveMemory).toEqual({
    used: 10_000,
    limit: 131_072,
  });
  expect(viewSocket(message(undefined, [8, 0, 2, 0, 1, 2, 3, 4]), true)?.keep().info).toBeNull();
  expect(viewSocket(message(undefined, [99, 0, 7, 0]), true)?.keep().receiveMemory).toBeNull();
});

test.each([new Uint8Array(0), new Uint8Array(71), new Uint8Array(72).fill(255)])('not a socket', bytes => {
  expect(viewSocket(bytes, true)).toBeUndefined();
});

test('a dump asks for all but listeners, half-open and closed ones', () => {
  const view = new DataView(connectionDumpRequest(addressFamily.inet, true).buffer);
  expect(view.getUint16(6, true)).toBe(0x301);
  expect(view.getUint32(20, true) & ((1 << 10) | (1 << 3) | (1 << 7))).toBe(0);
  expect(view.getUint32(20, true) & (1 << 6)).not.toBe(0);
});

test('tcp_info of an older kernel is shorter', () => {
  const bytes = new Uint8Array(236);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, 3);
  view.setUint32(100, 12, true);
  view.setBigUint64(120, 127_974n, true);
  view.setUint32(232, 65_536, true);
  expect(parseTcpInfo(bytes, true)).toMatchObject({
    backoff: 3,
    retransmitted: 12,
    acked: 127_974,
    receiveWindow: 65_536,
  });
  const old = parseTcpInfo(bytes.subarray(0, 104), true);
  expect(old).toMatchObject({ retransmitted: 12 });
  expect(old).not.toHaveProperty('acked');
  expect(parseTcpInfo(bytes.subarray(0, 100), true)).toBeUndefined();
});

test.each([
  ['32768\t60999\n', { first: 32_768, last: 60_999 }],
  ['1 65535', { first: 1, last: 65_535 }],
  ['60999 32768', undefined],
  ['', undefined],
  ['1 2 3', undefined],
])('port range %j', (text, range) => {
  expect(parsePortRange(text)).toEqual(range);
});

test('ports of a range, and the reserved ones in it', () => {
  const range = { first: 40_000, last: 40_099 };
  expect(portsIn(range)).toBe(100);
  expect(reservedWithin('8080,40010-40019,40099-50000', range)).toBe(11);
  expect(reservedWithin('', range)).toBe(0);
});
