import type { Reading } from '../../linux/reading.ts';
import type { Limit } from '../../linux/units.ts';
import type { Page } from './finding.ts';
import { padEnd, padStart, width, wrap } from './layout.ts';
import { printable } from './printable.ts';

/** A value, or why it is not known. */
export const known = <T>(reading: Reading<T>, format: (value: T) => string): string =>
  reading.present ? format(reading.value) : `? (${reading.because}: ${reading.remedy})`;

export const sameLimit = (a: Limit<number>, b: Limit<number>): boolean =>
  a.kind === 'limit' && b.kind === 'limit' && a.value === b.value;

const labelCells = 13;

/** `label        value`, wrapped under the value. The value may hold text of a container: it is escaped here. */
export function field(label: string, value: string, page: Page): string {
  const text = wrap(printable(value), page.width, ' '.repeat(labelCells));
  return padEnd(label, labelCells) + text.slice(labelCells);
}

/** `  name      amount  remark`, amounts aligned right. */
export function amounts(
  rows: readonly { readonly name: string; readonly amount: string; readonly remark: string }[],
  page: Page,
): readonly string[] {
  const names = Math.max(...rows.map(({ name }) => width(name)));
  const figures = Math.max(...rows.map(({ amount }) => width(amount)));
  const remarkAt = labelCells + names + figures + 4;
  return rows.map(({ name, amount, remark }) => {
    const start = `${' '.repeat(labelCells)}${padEnd(name, names)}  ${padStart(amount, figures)}  `;
    return (start + wrap(remark, page.width, ' '.repeat(remarkAt)).slice(remarkAt)).trimEnd();
  });
}
