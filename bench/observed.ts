import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { openRun } from '../src/lab/bench.ts';
import type { LabContainer } from '../src/lab/lab.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const pairs = 15;
const glassbox = join(dirname(import.meta.dirname), 'glassbox');

/**
 * CPU time of the same work in a container, round after round while `diagnose` looks at it, against the rounds before
 * and after in which nobody looks. CPU time and not the clock: what an observer does to a workload is locks, caches and page tables,
 * and on a shared machine the clock shows the neighbours.
 */
export async function bench(): Promise<BenchRow[]> {
  const run = openRun();
  try {
    const container = await run.bench.container({
      name: 'observed',
      program: { kind: 'node', file: new URL('./programs/rounds.ts', import.meta.url) },
      limits: { cpuShares: 262_144 },
    });
    await container.line(/^ready$/, 60_000);
    const ratios: number[] = [];
    const alone: number[] = [];
    let before = await work(container);
    for (let pair = 0; pair < pairs; pair++) {
      const look = await startLooking(container);
      const observed: number[] = [];
      while (look.exitCode === null) observed.push(await work(container));
      if (look.exitCode !== 0) throw new Error(`glassbox diagnose: exit code ${look.exitCode}`);
      const after = await work(container);
      alone.push(after);
      ratios.push((2 * mean(observed)) / (before + after));
      before = after;
    }
    const reference = median(alone) / 1000;
    const ours = reference * median(ratios);
    return [
      benchRow({ name: 'work under observation, CPU time', ours, reference, budget: 1.005, unit: 'ms' }),
    ];
  } finally {
    const left = run.close();
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

let rounds = 0;

async function work(container: LabContainer): Promise<number> {
  const name = `round-${rounds++}`;
  container.say(name);
  const line = await container.line(new RegExp(`^${name} \\d+$`), 60_000);
  return Number(line.split(' ')[1]);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function startLooking({ selector }: LabContainer): Promise<ChildProcess> {
  const look = spawn(glassbox, ['diagnose', selector, '--json'], { stdio: 'ignore' });
  await once(look, 'spawn');
  return look;
}
