/** Three significant digits: `318 ms`, `4.2 µs`, `12.5 s`. */
export function sayMicroseconds(value: number): string {
  if (value < 1000) return `${significant(value)} µs`;
  return value < 10_000_000 ? `${significant(value / 1000)} ms` : `${significant(value / 1_000_000)} s`;
}

export const saySharePercent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;

const significant = (amount: number): string =>
  amount >= 100 ? String(Math.round(amount)) : String(Number(amount.toPrecision(3)));
