import type { Page } from './finding.ts';
import { padEnd, width } from './layout.ts';
import { fill, unbroken } from './prose.ts';

/** A case's README for the terminal, filled to the page. Only what READMEs use: no nested quotes, no HTML. */
export function formatHandbook(markdown: string, page: Page): string {
  return blocksOf(markdown.trimEnd().split('\n'))
    .map(block => formatBlock(block, page))
    .join('\n');
}

type Block = {
  readonly kind: 'blank' | 'heading' | 'code' | 'item' | 'table' | 'text';
  readonly lines: string[];
};

const itemStart = /^( *)([-*]|\d+\.) +/;

function blocksOf(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  let fenced = false;
  for (const line of lines) {
    const last = blocks.at(-1);
    const add = (kind: Block['kind'], text = line): void => {
      blocks.push({ kind, lines: [text] });
    };
    const goOn = (kind: Block['kind'], text = line): void => {
      if (last?.kind === kind) last.lines.push(text);
      else add(kind, text);
    };
    if (line.startsWith('```')) fenced = !fenced;
    else if (fenced) goOn('code');
    else if (line.trim() === '') add('blank');
    else if (line.startsWith('    ') && last?.kind !== 'item' && last?.kind !== 'text')
      goOn('code', line.slice(4));
    else if (/^#+ /.test(line)) add('heading');
    else if (line.startsWith('|')) goOn('table');
    else if (itemStart.test(line)) add('item');
    else if (last?.kind === 'item' && line.startsWith(' ')) last.lines.push(line);
    else goOn('text');
  }
  return blocks;
}

function formatBlock({ kind, lines }: Block, page: Page): string {
  switch (kind) {
    case 'blank':
      return '';
    case 'heading':
      return page.paint('bold', plain(lines.join(' ').replace(/^#+ /, '')));
    case 'code':
      return lines.map(line => `    ${line}`.trimEnd()).join('\n');
    case 'table':
      return formatTable(lines, page);
    case 'item':
      return formatItem(lines, page);
    case 'text':
      return released(fill(plain(unbroken(lines)), page.width));
  }
}

function formatItem([first = '', ...rest]: readonly string[], page: Page): string {
  const mark = itemStart.exec(first)?.[0] ?? '';
  const text = plain(unbroken([first.slice(mark.length), ...rest]));
  return released(fill(text, page.width, mark, ' '.repeat(mark.length)));
}

/** Side by side where the page has room; else each row as its first cell with the others below it. */
function formatTable(lines: readonly string[], page: Page): string {
  const [header = [], ...rows] = lines.filter(line => !/^[|\s:-]+$/.test(line)).map(cellsOf);
  const all = [header, ...rows];
  const widths = header.map((_, index) => Math.max(...all.map(row => width(row[index] ?? ''))));
  if (widths.reduce((sum, cells) => sum + cells + 2, -2) <= page.width)
    return all
      .map(row =>
        row
          .map((cell, index) => padEnd(cell, widths[index] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .map(released)
      .join('\n');
  return rows
    .map(([first = '', ...others]) =>
      [
        fill(first, page.width),
        ...others.map((cell, index) =>
          fill(others.length > 1 ? `${header[index + 1]}: ${cell}` : cell, page.width, '    '),
        ),
      ]
        .map(released)
        .join('\n'),
    )
    .join('\n');
}

/** A `|` within a code span is written `\|`. */
const cellsOf = (line: string): readonly string[] =>
  line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map(cell => plain(cell.replaceAll('\\|', '|').trim()));

/** Code that is short stays on one line, so that it can be copied. */
const unbreakable = 40;
const kept = '\u00a0';
const released = (text: string): string => text.replaceAll(kept, ' ');

/** The text without its marks; what stands in code marks is not looked into for others. */
function plain(text: string): string {
  const code: string[] = [];
  return text
    .replace(/`([^`]+)`/g, (_, span: string) => {
      code.push(span.length <= unbreakable ? span.replaceAll(' ', kept) : span);
      return `\0${code.length - 1}\0`;
    })
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replace(/(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])/g, '$1')
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)')
    .replace(/\0(\d+)\0/g, (_, index: string) => code[Number(index)] ?? '');
}
