import type { CatalogueEntry } from './entry.ts';

/** The catalogue, in the order it is shown. Nothing registers itself: a case is here or it does not exist. */
export const catalogue: readonly CatalogueEntry[] = [];
