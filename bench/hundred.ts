import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { openRun } from '../src/lab/bench.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const containers = 100;
const processes = 10;
const atOnce = 5;
const turns = 7;
const glassbox = join(dirname(import.meta.dirname), 'glassbox');

/**
 * `ps` as a whole, and what `diagnose` takes beyond its window, over 100 containers of 10 sleeping processes with the
 * labs' limits and namespaces. The reference is what DESIGN §10 allows, so the budget is 1.
 */
export async function bench(): Promise<BenchRow[]> {
  const run = openRun();
  try {
    const script = `${'sleep 600 & '.repeat(processes - 1)} exec sleep 600`;
    for (let made = 0; made < containers; made += atOnce)
      await Promise.all(
        Array.from({ length: atOnce }, () =>
          run.bench.container({ name: 'hundred', program: { kind: 'shell', script } }),
        ),
      );
    // The first start may build, and fills the caches.
    const others = measure('ps').count - containers;
    if (others > 0)
      console.error(`bench: ${others} other containers are here too, so the figures are too high`);
    const ps = Array.from({ length: turns }, () => measure('ps').seconds);
    const diagnose = Array.from({ length: turns }, () => {
      const { seconds, windowMs, count } = measure('diagnose');
      if (count < containers) throw new Error(`diagnose saw ${count} containers of ${containers}`);
      return seconds - windowMs / 1000;
    });
    const row = (name: string, values: readonly number[], reference: number): BenchRow =>
      benchRow({ name, ours: median(values), reference, budget: 1, unit: 's' });
    return [
      row('ps, 100 containers × 10 processes', ps, 0.3),
      row('diagnose beyond its window, 100 × 10', diagnose, 1),
    ];
  } finally {
    const left = run.close();
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

function measure(command: string): {
  readonly seconds: number;
  readonly windowMs: number;
  readonly count: number;
} {
  const started = process.hrtime.bigint();
  const run = spawnSync(glassbox, [command, '--json'], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (run.status !== 0) throw new Error(`glassbox ${command}: exit code ${run.status}\n${run.stderr}`);
  const answer = JSON.parse(run.stdout) as {
    readonly windowMs: number;
    readonly containers: readonly unknown[];
  };
  return { seconds, windowMs: answer.windowMs, count: answer.containers.length };
}
