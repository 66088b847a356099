import { type Histogram, totalOf } from '../../trace/histogram.ts';
import type { Block, View } from '../../trace/view.ts';
import type { Page } from './finding.ts';
import { padEnd, padStart, shorten, table, width, wrap } from './layout.ts';
import { printable } from './printable.ts';

/** An instrument's result in the width of the page. Whatever text the container chose is escaped here. */
export const formatView = (view: View, page: Page): string =>
  view.map(block => formatBlock(block, page)).join('\n\n');

function formatBlock(block: Block, page: Page): string {
  switch (block.kind) {
    case 'text':
      return wrap(printable(block.text), page.width);
    case 'table':
      return table(
        block.columns,
        block.rows.map(row => row.map(printable)),
        page.width,
      );
    case 'histogram':
      return formatHistogram(block.title, block.histogram, page);
  }
}

const most = 40;

/** A line for each power of two between the first and the last that has any. */
function formatHistogram(title: string, histogram: Histogram, page: Page): string {
  const total = totalOf(histogram);
  const first = histogram.counts.findIndex(count => count > 0);
  if (total === 0) return `${title}: none`;
  const largest = Math.max(...histogram.counts);
  const rows = histogram.counts.slice(first).map((count, index) => {
    const power = first + index;
    return [
      `${saySize(power === 0 ? 0 : 2 ** power, histogram.unit)} – ${saySize(2 ** (power + 1), histogram.unit)}`,
      String(count),
      '█'.repeat(Math.round((count / largest) * most)),
    ];
  });
  const heading = { title, align: 'right' } as const;
  return table([heading, { title: 'COUNT', align: 'right' }, { title: '' }], rows, page.width);
}

const steps = {
  ns: [
    ['ns', 1],
    ['µs', 1000],
    ['ms', 1_000_000],
    ['s', 1_000_000_000],
  ],
  us: [
    ['µs', 1],
    ['ms', 1000],
    ['s', 1_000_000],
  ],
  bytes: [
    ['B', 1],
    ['KiB', 1024],
    ['MiB', 1024 ** 2],
    ['GiB', 1024 ** 3],
  ],
} as const;

/** `64 µs`, `1.05 ms`: three figures are enough for a power of two. */
export function saySize(value: number, unit: Histogram['unit']): string {
  const fitting = steps[unit].findLast(([, size]) => value >= size) ?? steps[unit][0];
  const amount = value / fitting[1];
  return `${amount < 10 && !Number.isInteger(amount) ? amount.toFixed(1) : Math.round(amount)} ${fitting[0]}`;
}

/** One event of a stream as a line that fits the page; the last column takes what is left. */
export function formatEventLine(
  columns: readonly { readonly cells: number; readonly align?: 'right' }[],
  cells: readonly string[],
  page: Page,
): string {
  let used = 0;
  const parts = columns.map(({ cells: room, align }, index) => {
    const last = index === columns.length - 1;
    const text = shorten(printable(cells[index] ?? ''), last ? Math.max(room, page.width - used) : room);
    used += room + 1;
    if (align === 'right') return padStart(text, room);
    return last ? text : padEnd(text, room);
  });
  const line = parts.join(' ').trimEnd();
  return width(line) > page.width ? shorten(line, page.width) : line;
}
