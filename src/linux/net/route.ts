import { endianness } from 'node:os';
import { parseCount } from '../units.ts';
import { formatAddress } from './address.ts';
import type { ByteOrder } from './tcp.ts';

/** An IPv4 route of the main table. */
export interface Route {
  readonly interface: string;
  readonly destination: string;
  /** 0.0.0.0 when the destination is on the link. */
  readonly gateway: string;
  readonly prefixLength: number;
  readonly metric: number;
  /** include/uapi/linux/route.h: 1 up, 2 through a gateway, 4 a host, 0x200 reject. */
  readonly flags: number;
}

/**
 * /proc/<pid>/net/route (net/ipv4/fib_trie.c), one heading, then:
 *
 *     eth0	00000000	0101A8C0	0003	0	0	0	00000000	0	0	0
 *
 * interface, destination, gateway, flags (hex), reference count, use, metric, mask, MTU, window, RTT. Addresses are
 * hex words in the byte order of the machine.
 */
export function parseRoutes(text: string, order: ByteOrder = endianness()): readonly Route[] | undefined {
  const [heading, ...lines] = text.split('\n');
  if (heading === undefined || !/^Iface\s+Destination\s+Gateway/.test(heading)) return undefined;
  return lines.map(line => parseLine(line, order)).filter(route => route !== undefined);
}

function parseLine(line: string, order: ByteOrder): Route | undefined {
  const [name, destination, gateway, flags, , , metricText, mask] = line.trimEnd().split(/\s+/);
  const metric = parseCount(metricText);
  const words = [destination, gateway, mask].map(word => parseWord(word, order));
  const [to, through, bits] = words;
  if (name === undefined || name === '' || metric === undefined) return undefined;
  if (to === undefined || through === undefined || bits === undefined) return undefined;
  if (flags === undefined || !/^[0-9A-F]{4}$/.test(flags)) return undefined;
  return {
    interface: name,
    destination: formatAddress(to),
    gateway: formatAddress(through),
    prefixLength: [...bits].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0),
    metric,
    flags: Number.parseInt(flags, 16),
  };
}

function parseWord(hex: string | undefined, order: ByteOrder): Uint8Array | undefined {
  if (hex === undefined || !/^[0-9A-F]{8}$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return order === 'LE' ? bytes.swap32() : bytes;
}
