const units: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1000, s: 1_000_000 };

/** `100us`, `1.5ms`, `2s` as microseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(us|µs|ms|s)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (units[unit] ?? 1);
}

/** What is wrong with the words of an option that takes a time. */
export const checkDuration = (text: string): string | undefined =>
  parseDuration(text) === undefined ? 'It is a time, like 100us, 2ms or 1s.' : undefined;

/** A time as programs in the kernel take it: 64 bits of nanoseconds. */
export function encodeDuration(text: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.round((parseDuration(text) ?? 0) * 1000)));
  return bytes;
}
