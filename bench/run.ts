/**
 * `npm run bench [NAME…]`: runs bench/NAME.ts, or all of them, and prints what each measured against its budget. With
 * `-- NAME --write` those that have a place in docs/ put their tables there.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchRow } from './row.ts';

const helpers = ['run.ts', 'row.ts', 'tracers.ts', 'trace-measure.ts', 'trace-document.ts', 'workloads.ts'];
const names = readdirSync(import.meta.dirname)
  .filter(file => /^[a-z-]+\.ts$/.test(file) && !helpers.includes(file))
  .map(file => file.replace(/\.ts$/, ''));
const words = process.argv.slice(2);
const writes = words.includes('--write');
const wanted = words.filter(word => word !== '--write');
const unknown = wanted.filter(name => !names.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}. Here are ${names.join(', ')}.`);
  process.exit(2);
}

const rows: BenchRow[] = [];
for (const name of wanted.length > 0 ? wanted : names) {
  console.error(`bench: ${name} …`);
  const { bench, write } = (await import(pathToFileURL(join(import.meta.dirname, `${name}.ts`)).href)) as {
    bench: () => Promise<BenchRow[]>;
    write?: () => void;
  };
  try {
    rows.push(...(await bench()));
    if (writes) write?.();
  } catch (error) {
    console.error(`bench: ${name} could not be measured: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
printTable(rows);
if (rows.some(row => !(row.ratio <= row.budget))) process.exitCode = 1;

function printTable(measured: readonly BenchRow[]): void {
  const width = Math.max(4, ...measured.map(row => row.name.length));
  const line = (...cells: readonly string[]): void =>
    console.log([cells[0]?.padEnd(width), ...cells.slice(1).map(cell => cell.padStart(11))].join(' '));
  line('what', 'ours', 'reference', 'ratio', 'budget', '');
  for (const { name, ours, reference, ratio, budget, unit } of measured)
    line(
      name,
      `${ours.toFixed(2)} ${unit}`,
      `${reference.toFixed(2)} ${unit}`,
      ratio.toFixed(digitsOf(budget)),
      Number.isFinite(budget) ? budget.toFixed(digitsOf(budget)) : '-',
      ratio <= budget ? 'kept' : 'EXCEEDED',
    );
}

/** A budget of half a percent does not show in two digits. */
function digitsOf(budget: number): number {
  return budget < 1.05 && budget > 1 ? 3 : 2;
}
