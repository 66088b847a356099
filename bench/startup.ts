import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BenchRow, benchRow, median } from './row.ts';

const turns = 60;
const root = dirname(import.meta.dirname);

/** `./glassbox --version`, launcher and all, against a module with nothing in it on the same Node; they take turns. */
export async function bench(): Promise<BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'glassbox-bench-'));
  try {
    const empty = join(directory, 'empty.mjs');
    writeFileSync(empty, '');
    const glassbox = [join(root, 'glassbox'), '--version'] as const;
    const node = [join(root, 'dist/node'), empty] as const;
    // The first start may build, and fills the caches.
    for (const command of [glassbox, node]) milliseconds(...command);
    const ours: number[] = [];
    const reference: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      reference.push(milliseconds(...node));
      ours.push(milliseconds(...glassbox));
    }
    const row = (name: string, pick: (values: readonly number[]) => number): BenchRow =>
      benchRow({ name, ours: pick(ours), reference: pick(reference), budget: 1.5, unit: 'ms' });
    return [
      row('--version against an empty program, median', median),
      row('--version against an empty program, fastest', values => Math.min(...values)),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function milliseconds(program: string, word: string): number {
  const started = process.hrtime.bigint();
  const run = spawnSync(program, [word], { encoding: 'utf8' });
  const ended = process.hrtime.bigint();
  if (run.status !== 0) throw new Error(`${program} ${word}: exit code ${run.status}\n${run.stderr}`);
  return Number(ended - started) / 1e6;
}
