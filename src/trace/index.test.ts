import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { instrumentNames, loadInstrument } from './index.ts';

const folder = join(import.meta.dirname, 'instruments');

test('every folder is in the index, and the other way round', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...instrumentNames].sort());
});

test.each(instrumentNames)(
  '%s is named as its folder, and says what it asks, costs and needs',
  async name => {
    const { question, cost, example, engines, unit, ...instrument } = await loadInstrument(name);
    expect(instrument.name).toBe(name);
    expect(question).toMatch(/\?$/);
    expect(cost).toMatch(/^[^.].*[^.]$/);
    expect(example).toMatch(new RegExp(`^glassbox trace ${name} `));
    expect([unit !== '', engines.length > 0]).toEqual([true, true]);
    // Somebody without eBPF is told what else can look, or why nothing can.
    const names = new Set(engines.map(each => each.engine));
    expect(names.size > 1).toBe(instrument.oneEngine === undefined);
    // Events of a stream go on a line of 80 columns.
    const cells = instrument.events?.columns.reduce((sum, column) => sum + column.cells + 1, -1) ?? 0;
    expect(cells).toBeLessThanOrEqual(80);
  },
);

const headings = {
  'README.md': ['Example', 'How to read it', 'How it works', 'Cost', 'When this is wrong'],
  'README.zh-CN.md': ['示例', '怎么看', '原理', '代价', '何时不准'],
};

test.each(
  instrumentNames.flatMap(name =>
    Object.entries(headings).map(([file, wanted]) => [name, file, wanted] as const),
  ),
)('%s/%s has every part', (name, file, wanted) => {
  const path = join(folder, name, file);
  expect(existsSync(path)).toBe(true);
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(new RegExp(`^# ${name}[:：]`));
  expect(text).toContain(`glassbox trace ${name} `);
  expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(wanted);
});
