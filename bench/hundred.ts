import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { openRun } from '../src/lab/bench.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const containers = 100;
const atOnce = 5;
const turns = 7;
const allowed = {
  ps: { name: 'ps', seconds: 0.3, withWindow: true },
  diagnose: { name: 'diagnose beyond its window', seconds: 1, withWindow: false },
} as const;
const glassbox = join(dirname(import.meta.dirname), 'glassbox');

/**
 * `ps` as a whole, and what `diagnose` takes beyond its window, over 100 containers of 1 and of 10 sleeping processes with
 * the labs' limits and namespaces. The reference is what DESIGN §10 allows, so the budget is 1.
 */
export const bench = async (): Promise<BenchRow[]> => [
  ...(await benchWith(1, ['ps'])),
  ...(await benchWith(10, ['ps', 'diagnose'])),
];

async function benchWith(
  processes: number,
  commands: readonly (keyof typeof allowed)[],
): Promise<readonly BenchRow[]> {
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
    return commands.map(command => {
      const { name, seconds: reference, withWindow } = allowed[command];
      const times = Array.from({ length: turns }, () => {
        const { seconds, windowMs, count } = measure(command);
        if (count < containers) throw new Error(`${command} saw ${count} containers of ${containers}`);
        return seconds - (withWindow ? 0 : windowMs / 1000);
      });
      return benchRow({
        name: `${name}, ${containers} × ${processes}`,
        ours: median(times),
        reference,
        budget: 1,
        unit: 's',
      });
    });
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
