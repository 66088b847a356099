import type { Bytes, Microseconds } from '../linux/units.ts';

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** An amount in the largest unit of which there is at least one. */
export function inBinaryUnits(value: number): { readonly amount: number; readonly unit: string } {
  let amount = value;
  let exponent = 0;
  while (Math.abs(amount) >= 1024 && exponent < binaryUnits.length - 1) {
    amount /= 1024;
    exponent += 1;
  }
  return { amount, unit: binaryUnits[exponent] ?? '' };
}

/** Three significant digits at most: `64 MiB`, `1.25 GiB`, `512 B`. */
export function sayBytes(value: Bytes): string {
  const { amount, unit } = inBinaryUnits(value);
  return `${significant(amount)} ${unit}`;
}

/** `318 ms`, `0.4 ms`, `12.5 s`. */
export function sayTime(value: Microseconds): string {
  const milliseconds = value / 1000;
  return milliseconds < 10_000 ? `${significant(milliseconds)} ms` : `${significant(milliseconds / 1000)} s`;
}

/** A share of 0 to 1 as `35 %`; what is there but small says so. */
export function sayShare(share: number): string {
  if (share > 0 && share < 0.01) return 'less than 1 %';
  return `${Math.round(share * 100)} %`;
}

/** For the start of a sentence. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `1 thread`, `2 threads`. */
export const sayCount = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

function significant(amount: number): string {
  if (amount >= 100) return String(Math.round(amount));
  return String(Number(amount.toPrecision(3)));
}

/** A set of signals as /proc/<pid>/status prints it: SIGTERM alone is `0000000000004000`. */
export const saySignalMask = (signals: readonly number[]): string =>
  signals
    .reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n)
    .toString(16)
    .padStart(16, '0');

/**
 * Text as one word of a POSIX shell, for commands that people paste. Names come from inside containers: what is
 * not plainly harmless is quoted, and control characters are written as printf octal escapes.
 */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/[\u0000-\u001f\u007f-\u009f]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const octal = [...new TextEncoder().encode(text)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`);
  return `"$(printf '${octal.join('')}')"`;
}
