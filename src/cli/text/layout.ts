import stringWidth from 'string-width';

/** Columns to write in: the terminal's, between 60 and 110; 80 when there is no terminal. */
export const pageWidth = (stream: { readonly columns?: number | undefined }): number =>
  Math.min(110, Math.max(60, stream.columns ?? 80));

/** Cells a text takes; wide characters take two. The text must be printable already. */
export const width = (text: string): number => stringWidth(text);

export const padEnd = (text: string, cells: number): string =>
  text + ' '.repeat(Math.max(0, cells - width(text)));
export const padStart = (text: string, cells: number): string =>
  ' '.repeat(Math.max(0, cells - width(text))) + text;

/** Shortens in the middle, where paths and ids tell least: `/sys/fs/…/cpu.stat`. */
export function shorten(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  const characters = [...text];
  const keep = Math.max(1, cells - 1);
  const head = Math.floor(keep / 3);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (keep - head)).join('')}`;
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

/** Breaks between parts only, never inside one. */
export const wrapParts = (parts: readonly string[], separator: string, cells: number): string =>
  wrap(parts.map(part => part.replaceAll(' ', '\u00a0')).join(separator), cells).replaceAll('\u00a0', ' ');

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells at most; longer text is shortened in the middle. */
  readonly atMost?: number;
}

/** A plain table; the last column is not padded. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cut = rows.map(row =>
    columns.map(({ atMost }, index) => {
      const cell = row[index] ?? '';
      return atMost === undefined ? cell : shorten(cell, atMost);
    }),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...cut.map(row => width(row[index] ?? ''))),
  );
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
