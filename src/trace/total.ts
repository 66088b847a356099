/** Times added up under one key; in microseconds. */
export interface Total {
  readonly us: number;
  readonly count: number;
  readonly longestUs: number;
}

export const noTotal: Total = { us: 0, count: 0, longestUs: 0 };

/** `struct total` of bpf/total.h, in nanoseconds. */
export const decodeTotal = (bytes: Buffer, at = 0): Total => ({
  us: microsecondsAt(bytes, at),
  count: Number(bytes.readBigUInt64LE(at + 8)),
  longestUs: microsecondsAt(bytes, at + 16),
});

/** `amount` of the same: bytes or pages, whatever the instrument counts. */
export const decodeAmount = (bytes: Buffer, at = 0): number => Number(bytes.readBigUInt64LE(at + 24));

/** A 64-bit number of nanoseconds, with a digit after the point, so that a thousand short ones do not vanish. */
export const microsecondsAt = (bytes: Buffer, at: number): number =>
  Number(bytes.readBigUInt64LE(at) / 100n) / 10;

export const addTotals = (a: Total, b: Total): Total => ({
  us: round(a.us + b.us),
  count: a.count + b.count,
  longestUs: Math.max(a.longestUs, b.longestUs),
});

export type Amounts = Total & { readonly amount: number };

/** As `add_total` of bpf/total.h, for engines that hand over one by one what they saw. */
export function addUp<Key extends object>(
  atMost = 4096,
): {
  readonly add: (key: Key, us: number, amount?: number) => void;
  readonly all: () => readonly (Key & Amounts)[];
  /** For which there was no room. */
  readonly lost: () => number;
} {
  let lost = 0;
  const totals = new Map<string, Key & Amounts>();
  return {
    add: (key, us, amount = 0) => {
      const name = JSON.stringify(key);
      const known = totals.get(name) ?? { ...key, ...noTotal, amount: 0 };
      if (!totals.has(name) && totals.size >= atMost) {
        lost += 1;
        return;
      }
      const sum = addTotals(known, { us, count: 1, longestUs: us });
      totals.set(name, { ...known, ...sum, amount: known.amount + amount });
    },
    all: () => [...totals.values()],
    lost: () => lost,
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Of several entries those with the most time, so many at most. */
export const mostTime = <T extends Total>(totals: readonly T[], atMost: number): readonly T[] =>
  totals.toSorted((a, b) => b.us - a.us).slice(0, atMost);
