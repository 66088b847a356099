/** One line of the table that `npm run bench` prints: ours against a reference that was measured in the same run. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number;
  readonly reference: number;
  /** ours / reference. */
  readonly ratio: number;
  /** The highest ratio that DESIGN §10 allows. */
  readonly budget: number;
  readonly unit: string;
}

export const benchRow = (row: Omit<BenchRow, 'ratio'>): BenchRow => ({
  ...row,
  ratio: row.ours / row.reference,
});

/** The middle of several runs: a neighbour's burst on a shared machine spoils a mean. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  return upper === undefined || lower === undefined ? Number.NaN : (upper + lower) / 2;
}
