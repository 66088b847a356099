import { kernelAddress } from '../../../linux/symbols/kallsyms.ts';
import { textFrom } from '../../ebpf.ts';
import type { DropRow } from './result.ts';

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
  readonly functionAt: (address: number) => string | null;
}

/** `struct drop` and `struct drops` of drops.bpf.c. */
export function decodeDrop([key, value]: readonly [Buffer, Buffer], names: DropNames): DropRow {
  const reason = key.readUInt32LE(8);
  const family = key.readUInt16LE(12);
  const protocol = key.readUInt16LE(14);
  const device = textFrom(key, 20, 16);
  return {
    reason: names.reasons.get(reason) ?? (names.reasons.size === 0 ? 'unknown' : `reason ${reason}`),
    function: names.functionAt(kernelAddress(key.readBigUInt64LE(0))),
    protocol: family === 0 ? '-' : (protocols.get(protocol) ?? String(protocol)),
    family: family === 2 ? 'ipv4' : family === 10 ? 'ipv6' : 'other',
    port: withPorts.has(protocol) ? key.readUInt16LE(16) : null,
    device: device === '' ? null : device,
    count: Number(value.readBigUInt64LE(0)),
    bytes: Number(value.readBigUInt64LE(8)),
  };
}
