import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

/** Columns to write in: the terminal's, between 60 and 110; 80 when there is no terminal. */
export const pageWidth = (stream: { readonly columns?: number | undefined }): number =>
  Math.min(110, Math.max(60, stream.columns ?? 80));

/** Of one cell each: ASCII, Latin, and the punctuation, arrows, boxes and triangles that our own lines have. */
const narrow = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2193\u2500-\u25fc]*$/;

/** Cells a text takes; wide characters take two. The text must be printable already. */
export const width = (text: string): number => (narrow.test(text) ? text.length : loadStringWidth()(text));

let loaded: typeof stringWidth | undefined;

/** Its tables and ICU's segmenter take 20 ms to load, which no start should pay without need. */
function loadStringWidth(): typeof stringWidth {
  loaded ??= (createRequire(import.meta.url)('string-width') as { default: typeof stringWidth }).default;
  return loaded;
}

export const padEnd = (text: string, cells: number): string =>
  text + ' '.repeat(Math.max(0, cells - width(text)));
export const padStart = (text: string, cells: number): string =>
  ' '.repeat(Math.max(0, cells - width(text))) + text;

/** Shortens in the middle, where paths and ids tell least: `/sys/fs/…/cpu.stat`. */
export function shorten(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  const keep = Math.max(1, cells - 1);
  const head = takeCells([...text], Math.floor(keep / 3));
  const tail = takeCells([...text].reverse(), keep - width(head));
  return `${head}…${[...tail].reverse().join('')}`;
}

function takeCells(characters: readonly string[], cells: number): string {
  let taken = '';
  for (const character of characters) {
    if (width(taken + character) > cells) break;
    taken += character;
  }
  return taken;
}

/** Breaks at spaces; a word longer than the line stays whole, so that paths and commands can be copied. */
export function wrap(text: string, cells: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (width(indent) + width(line) + 1 + width(word) <= cells) line += ` ${word}`;
    else {
      lines.push(indent + line);
      line = word;
    }
  }
  lines.push(indent + line);
  return lines.join('\n');
}

/** Breaks between parts, and inside one only when it is longer than a line. */
export const wrapParts = (parts: readonly string[], separator: string, cells: number): string =>
  wrap(
    parts.map(part => (width(part) > cells ? part : part.replaceAll(' ', '\u00a0'))).join(separator),
    cells,
  ).replaceAll('\u00a0', ' ');

const namedAtMost = 6;

/** `web-1, web-2 and 98 more`. */
export const listNames = (names: readonly string[]): string =>
  names.length <= namedAtMost
    ? names.join(', ')
    : `${names.slice(0, namedAtMost - 1).join(', ')} and ${names.length - namedAtMost + 1} more`;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells at most; longer text is shortened in the middle. */
  readonly atMost?: number;
  /** Gives way, down to this many cells, where the table would be wider than the page. */
  readonly atLeast?: number;
}

/** A plain table; the last column is not padded. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  page = Number.POSITIVE_INFINITY,
): string {
  const natural = columns.map(({ title, atMost = page }, index) =>
    Math.min(atMost, Math.max(width(title), ...rows.map(row => width(row[index] ?? '')))),
  );
  let excess = natural.reduce((sum, cells) => sum + cells + 1, -1) - page;
  const widths = columns.map(({ atLeast }, index) => {
    const cells = natural[index] ?? 0;
    if (atLeast === undefined || excess <= 0) return cells;
    const narrowed = Math.max(Math.min(cells, atLeast), cells - excess);
    excess -= cells - narrowed;
    return narrowed;
  });
  const cut = rows.map(row => columns.map((_, index) => shorten(row[index] ?? '', widths[index] ?? 0)));
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const cellWidth = widths[index] ?? 0;
        if (columns[index]?.align === 'right') return padStart(cell, cellWidth);
        return index === columns.length - 1 ? cell : padEnd(cell, cellWidth);
      })
      .join(' ')
      .trimEnd();
  const header = columns.some(({ title }) => title !== '') ? [format(columns.map(({ title }) => title))] : [];
  return [...header, ...cut.map(format)].join('\n');
}
