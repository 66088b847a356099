import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageWidth, shorten, table, width, wrap, wrapParts } from './layout.ts';

test('wraps between words and keeps a long word whole, so that it can be copied', () => {
  expect(wrap('one two three', 8, '  ')).toBe('  one\n  two\n  three');
  expect(wrap('see /sys/fs/cgroup/memory/memory.stat now', 20)).toBe(
    'see\n/sys/fs/cgroup/memory/memory.stat\nnow',
  );
});

test('parts are not broken inside', () => {
  expect(wrapParts(['limits yes', 'host unknown'], ' · ', 16)).toBe('limits yes ·\nhost unknown');
  expect(wrapParts(['limits yes', 'healthy unknown (one, two)'], ' · ', 16)).toBe(
    'limits yes ·\nhealthy unknown\n(one, two)',
  );
});

test('wide characters count twice', () => {
  expect(width('容器')).toBe(4);
  expect(
    table(
      [{ title: 'NAME' }, { title: 'X' }],
      [
        ['容器', '1'],
        ['abcd', '2'],
      ],
    ),
  ).toBe('NAME X\n容器 1\nabcd 2');
});

test('a column gives way where the table is wider than the page', () => {
  const columns = [{ title: 'NAME', atLeast: 5 }, { title: 'X' }];
  expect(table(columns, [['web-server-1', 'value']], 12)).toBe('NAME   X\nw…er-1 value');
  expect(table(columns, [['web-server-1', 'value']], 8)).toBe('NAME  X\nw…r-1 value');
});

test('shortening keeps the end, where a path tells most', () => {
  expect(shorten('/sys/fs/cgroup/cpu/docker/3f2a/cpu.stat', 20)).toMatch(/^\/sys\/.*….*cpu\.stat$/);
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 2, max: 40 }), (text, cells) => {
      if (width(text) <= cells) expect(shorten(text, cells)).toBe(text);
      else expect(width(shorten(text, cells))).toBeLessThanOrEqual(cells);
    }),
  );
});

test('pages are 80 columns without a terminal, and stay readable on odd ones', () => {
  expect([pageWidth({}), pageWidth({ columns: 20 }), pageWidth({ columns: 400 })]).toEqual([80, 60, 110]);
});
