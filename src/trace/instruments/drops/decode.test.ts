import { expect, test } from 'vitest';
import { decodeDrop, encodeAddresses } from './decode.ts';

const names = { reasons: new Map([[7, 'NETFILTER_DROP']]), functionAt: () => 'nft_do_chain' };

interface Fields {
  readonly network?: number;
  readonly family?: number;
  readonly side?: number;
  readonly peer?: readonly number[];
  readonly device?: string;
}

/** `struct drop` and `struct drops`, of three packets to TCP port 8080. */
function entry({ network = 9, family = 2, side = 0, peer = [], device = '' }: Fields): [Buffer, Buffer] {
  const key = Buffer.alloc(56);
  key.writeUInt32LE(7, 8);
  key.writeUInt32LE(network, 12);
  for (const [index, value] of [family, 6, 8080, side].entries()) key.writeUInt16LE(value, 16 + 2 * index);
  key.set(peer, 24);
  key.write(device, 40);
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(3n, 0);
  value.writeBigUInt64LE(180n, 8);
  return [key, value];
}

const common = { reason: 'NETFILTER_DROP', function: 'nft_do_chain', protocol: 'tcp', port: 8080, count: 3 };

test('a drop in its own namespace has a device and no other end', () => {
  expect(decodeDrop(entry({ device: 'eth0' }), names)).toEqual({
    ...common,
    family: 'ipv4',
    device: 'eth0',
    bytes: 180,
  });
});

test('a drop elsewhere has its namespace, direction and the other end, in both families', () => {
  expect(
    decodeDrop(entry({ network: 4_026_532_009, side: 1, peer: [10, 78, 0, 2], device: 'port0' }), names),
  ).toMatchObject({ ...common, namespace: 4_026_532_009, direction: 'from', peer: '10.78.0.2' });
  const address = [0xfd, 0x78, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
  expect(decodeDrop(entry({ family: 10, side: 2, peer: address }), names)).toMatchObject({
    family: 'ipv6',
    direction: 'to',
    peer: 'fd78::2',
  });
});

test('addresses for the kernel: at most eight, text that is none left out', () => {
  const bytes = encodeAddresses(['10.77.0.2', 'fd77::2', 'no address']);
  expect(bytes.length).toBe(4 + 8 * 20);
  expect([bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)]).toEqual([2, 2, 10]);
  expect([...bytes.subarray(36, 40)]).toEqual([10, 77, 0, 2]);
  expect(bytes[52]).toBe(0xfd);
  expect(encodeAddresses(Array.from({ length: 12 }, (_, index) => `10.0.0.${index}`)).readUInt32LE(0)).toBe(
    8,
  );
});
