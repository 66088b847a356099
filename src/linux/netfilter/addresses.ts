import { isIPv4, isIPv6 } from 'node:net';

interface Value {
  readonly bits: 32 | 128;
  readonly number: bigint;
}

/** The number of an address; undefined for text that is none. */
function numberOfAddress(text: string): Value | undefined {
  if (isIPv4(text))
    return { bits: 32, number: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  if (!isIPv6(text)) return undefined;
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = mapped?.[2] === undefined ? undefined : numberOfAddress(mapped[2])?.number;
  const whole =
    tail === undefined
      ? text
      : `${mapped?.[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [head = '', rest] = whole.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = rest === undefined ? [] : groups(rest);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const all = rest === undefined ? before : [...before, ...zeros, ...after];
  return { bits: 128, number: all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

/** Whether an address is in `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1-10.0.0.9`. Undefined when the set is not understood. */
export function isAddressIn(address: string, set: string): boolean | undefined {
  const quick = isPlainlyIn(address, set);
  if (quick !== undefined) return quick;
  const value = numberOfAddress(address);
  if (value === undefined) return undefined;
  const [from, to] = set.split('-');
  if (to !== undefined) {
    const [low, high] = [numberOfAddress(from ?? ''), numberOfAddress(to)];
    if (low === undefined || high === undefined) return undefined;
    return low.bits === value.bits && value.number >= low.number && value.number <= high.number;
  }
  const [base = '', lengthText] = set.split('/');
  const network = numberOfAddress(base);
  if (network === undefined) return undefined;
  if (network.bits !== value.bits) return false;
  const length = lengthText === undefined ? network.bits : prefixLength(lengthText, network.bits);
  if (length === undefined) return undefined;
  const shift = BigInt(network.bits - length);
  return network.number >> shift === value.number >> shift;
}

/** `24` or, as iptables may print it, `255.255.255.0`. */
function prefixLength(text: string, bits: number): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= bits ? Number(text) : undefined;
  const mask = numberOfAddress(text)?.number.toString(2).padStart(bits, '0');
  return mask !== undefined && /^1*0*$/.test(mask)
    ? mask.indexOf('0') < 0
      ? bits
      : mask.indexOf('0')
    : undefined;
}

export const isSameAddress = (one: string, other: string): boolean => isAddressIn(one, other) === true;

/** In network order: 4 or 16 bytes. */
export function addressBytes(text: string): Uint8Array | undefined {
  const value = numberOfAddress(text);
  if (value === undefined) return undefined;
  const hex = value.number.toString(16).padStart(value.bits / 4, '0');
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** IPv4 with a prefix length, which nearly all rules have: a rule set of 20,000 asks 20,000 times. */
function isPlainlyIn(address: string, set: string): boolean | undefined {
  const [, base = '', length = '32'] = /^(\d+\.\d+\.\d+\.\d+)(?:\/(\d{1,2}))?$/.exec(set) ?? [];
  const [one, other] = [wordOf(address), wordOf(base)];
  const bits = Number(length);
  if (one === undefined || other === undefined || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  return Math.floor(one / size) === Math.floor(other / size);
}

function wordOf(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some(part => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
