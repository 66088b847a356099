import type { Histogram } from './histogram.ts';

/** A result as people read it, as plain data: the command line lays it out in 80 columns and escapes it. */
export type View = readonly Block[];

export type Block =
  /** A sentence or two, wrapped. */
  | { readonly kind: 'text'; readonly text: string }
  /** Wider than the page, cells of columns with `atLeast` are shortened in the middle. */
  | {
      readonly kind: 'table';
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'histogram'; readonly title: string; readonly histogram: Histogram };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells at most and at least, where the content may be long. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export const sentence = (text: string): Block => ({ kind: 'text', text });

/** `1 event`, `20 events`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
