/** Three significant digits: `318 ms`, `4.2 µs`, `12.5 s`. */
export function sayMicroseconds(value: number): string {
  if (value < 1000) return `${significant(value)} µs`;
  return value < 10_000_000 ? `${significant(value / 1000)} ms` : `${significant(value / 1_000_000)} s`;
}

export const saySharePercent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;

const significant = (amount: number): string =>
  amount >= 100 ? String(Math.round(amount)) : String(Number(amount.toPrecision(3)));

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `64 MiB`, `512 B`. */
export function sayBytes(value: number): string {
  const power = Math.min(binaryUnits.length - 1, value < 1024 ? 0 : Math.floor(Math.log2(value) / 10));
  return `${significant(value / 1024 ** power)} ${binaryUnits[power]}`;
}
