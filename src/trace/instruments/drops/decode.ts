import { formatAddress } from '../../../linux/net/address.ts';
import { addressBytes } from '../../../linux/netfilter/addresses.ts';
import { namespaceId } from '../../../linux/units.ts';
import { textFrom } from '../../ebpf.ts';
import type { DropElsewhere, DropRow } from './result.ts';

const protocols: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [2, 'igmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [47, 'gre'],
  [50, 'esp'],
  [58, 'icmpv6'],
  [132, 'sctp'],
]);
const withPorts = new Set([6, 17]);

export interface DropNames {
  readonly reasons: ReadonlyMap<number, string>;
  readonly functionAt: (address: bigint) => string | null;
}

/** `struct drop` and `struct drops` of drops.bpf.c; the place of another namespace is still to be named. */
export function decodeDrop(
  [key, value]: readonly [Buffer, Buffer],
  names: DropNames,
): DropRow | Omit<DropElsewhere, 'place'> {
  const reason = key.readUInt32LE(8);
  const family = key.readUInt16LE(16);
  const protocol = key.readUInt16LE(18);
  const side = key.readUInt16LE(22);
  const device = textFrom(key, 40, 16);
  const row: DropRow = {
    reason: names.reasons.get(reason) ?? (names.reasons.size === 0 ? 'unknown' : `reason ${reason}`),
    function: names.functionAt(key.readBigUInt64LE(0)),
    protocol: family === 0 ? '-' : (protocols.get(protocol) ?? String(protocol)),
    family: family === 2 ? 'ipv4' : family === 10 ? 'ipv6' : 'other',
    port: withPorts.has(protocol) ? key.readUInt16LE(20) : null,
    device: device === '' ? null : device,
    count: Number(value.readBigUInt64LE(0)),
    bytes: Number(value.readBigUInt64LE(8)),
  };
  if (side === 0) return row;
  return {
    ...row,
    namespace: namespaceId(key.readUInt32LE(12)),
    direction: side === 1 ? 'from' : 'to',
    peer: formatAddress(key.subarray(24, family === 2 ? 28 : 40)),
  };
}

const mostAddresses = 8;

/** `struct addresses` of drops.bpf.c. */
export function encodeAddresses(addresses: readonly string[]): Buffer {
  const bytes = Buffer.alloc(4 + mostAddresses * (4 + 16));
  const known = addresses.flatMap(address => addressBytes(address) ?? []).slice(0, mostAddresses);
  bytes.writeUInt32LE(known.length, 0);
  for (const [index, address] of known.entries()) {
    bytes.writeUInt32LE(address.length === 4 ? 2 : 10, 4 + 4 * index);
    bytes.set(address, 4 + 4 * mostAddresses + 16 * index);
  }
  return bytes;
}
