/** Counts by powers of two, as `count_by_power` of bpf/histogram.h makes them in the kernel. */
export interface Histogram {
  readonly unit: 'ns' | 'us' | 'bytes';
  /** `counts[n]` values were in [2^n, 2^(n+1)); `counts[0]` has 0 and 1. */
  readonly counts: readonly number[];
}

/** 64-bit counters in the machine's byte order, one after the other; zeros at the end are left out. */
export function histogramFrom(unit: Histogram['unit'], counters: Buffer): Histogram {
  const counts: number[] = [];
  for (let at = 0; at + 8 <= counters.length; at += 8) counts.push(Number(counters.readBigUInt64LE(at)));
  while (counts.at(-1) === 0) counts.pop();
  return { unit, counts };
}

/** The same, counted here: for engines that hand over one by one what they saw. */
export function countByPower(unit: Histogram['unit']): {
  readonly add: (value: number) => void;
  readonly histogram: () => Histogram;
} {
  const counts: number[] = [];
  return {
    add: value => {
      const power = value < 1 ? 0 : Math.floor(Math.log2(value));
      while (counts.length <= power) counts.push(0);
      counts[power] = (counts[power] ?? 0) + 1;
    },
    histogram: () => ({ unit, counts: [...counts] }),
  };
}

export const totalOf = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0);

/** The upper end of the bucket that the given part (0.99) of all values does not exceed; undefined when there is none. */
export function quantile(histogram: Histogram, part: number): number | undefined {
  const wanted = totalOf(histogram) * part;
  let seen = 0;
  for (const [power, count] of histogram.counts.entries()) {
    seen += count;
    if (seen > 0 && seen >= wanted) return 2 ** (power + 1);
  }
  return undefined;
}
