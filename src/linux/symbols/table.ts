/** A name and how far inside it an address lies. */
export interface Symbol {
  readonly name: string;
  readonly offset: number;
}

export interface SymbolEntry {
  readonly start: number;
  /** Bytes; 0 where the source does not tell, then it reaches to the next one. */
  readonly size: number;
  readonly name: () => string;
}

/** Answers which symbol an address lies in. */
export interface SymbolTable {
  readonly size: number;
  find(address: number): Symbol | undefined;
}

/**
 * Of entries in any order. Where several start at one address the later one wins, which is what a JIT compiler
 * wants: it appends what it put over the older code.
 */
export function symbolTable(entries: readonly SymbolEntry[]): SymbolTable {
  const sorted = entries.toSorted((a, b) => a.start - b.start);
  return {
    size: sorted.length,
    find: address => {
      const entry = sorted[lastAtOrBelow(sorted, address)];
      if (entry === undefined) return undefined;
      const offset = address - entry.start;
      return entry.size > 0 && offset >= entry.size ? undefined : { name: entry.name(), offset };
    },
  };
}

function lastAtOrBelow(sorted: readonly SymbolEntry[], address: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.start ?? Number.POSITIVE_INFINITY) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
