import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../cases/index.ts';
import { formatHandbook } from './handbook.ts';
import { width } from './layout.ts';

const show = (markdown: string, cells = 40): string =>
  formatHandbook(markdown, { width: cells, paint: (_, text) => text });

test('paragraphs are filled to the page, whatever width they were written at', () => {
  expect(show('one two three\nfour five six seven eight nine ten')).toBe(
    'one two three four five six seven eight\nnine ten',
  );
});

test('marks go, also when they span lines; what stands in code marks stays', () => {
  expect(show('The limit is **often\nnot yours**, *ever*; `a * b * c` and [here](x.md).', 80)).toBe(
    'The limit is often not yours, ever; a * b * c and here (x.md).',
  );
});

test('items hang, code keeps its lines, a command is not broken', () => {
  expect(show('1. an item that is longer than\n   the page of forty cells\n2. next')).toBe(
    '1. an item that is longer than the page\n   of forty cells\n2. next',
  );
  expect(show('Text:\n\n    echo a    b\n\n```\n# no heading\n```')).toBe(
    'Text:\n\n    echo a    b\n\n    # no heading',
  );
  expect(show('and then run the command `glassbox lab run x`')).toBe(
    'and then run the command\nglassbox lab run x',
  );
});

test('a table stands side by side where there is room, else row by row', () => {
  const markdown = '| a | bb |\n|---|---|\n| `1 \\| 2` | 2 |\n';
  expect(show(markdown)).toBe('a      bb\n1 | 2  2');
  expect(show('| name | says |\n|---|---|\n| first | something that does not fit in here |')).toBe(
    'first\n    something that does not fit in here',
  );
});

test('Chinese is broken by cells, and no line begins with its punctuation', () => {
  const text = show('内核不会立刻杀进程，而是先在超限的那一级内部\n回收页缓存。', 20);
  expect(text.replaceAll('\n', '')).toBe('内核不会立刻杀进程，而是先在超限的那一级内部回收页缓存。');
  expect(Math.max(...text.split('\n').map(width))).toBeLessThanOrEqual(20);
  expect(text).not.toMatch(/^[，。]/m);
});

test.each([60, 80, 110])(
  'every handbook fits %d columns but for code and words that cannot be broken',
  cells => {
    for (const { definition } of catalogue)
      for (const file of ['README.md', 'README.zh-CN.md']) {
        const path = join(import.meta.dirname, '../../cases', definition.id, file);
        const tooLong = show(readFileSync(path, 'utf8'), cells)
          .split('\n')
          .filter(line => width(line) > cells && !line.startsWith('    ') && line.trim().includes(' '));
        expect(tooLong, `${path} at ${cells}`).toEqual([]);
      }
  },
);
