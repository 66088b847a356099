/**
 * `npm test [-- --quick]`, once scripts/test.sh has set everything up: each check and each test in order, and as the
 * last line how many passed, failed and were skipped.
 */
import { globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCheck, runProject, type Workplace } from './step.ts';
import { add, nothing, oneFailed, sayTally, skippedMany, type Tally } from './tally.ts';

const root = dirname(dirname(import.meta.dirname));
const words = process.argv.slice(2);
const quick = words.includes('--quick');
const unknown = words.filter(word => word !== '--quick');
if (unknown.length > 0) {
  console.error(
    `npm test: does not know ${unknown.join(' ')}. It takes --quick, which leaves out the labs here and in the virtual machine.`,
  );
  process.exit(2);
}

const interrupt = new AbortController();
const work: Workplace = { root, reports: join(root, 'dist', 'reports'), stop: interrupt.signal };
mkdirSync(work.reports, { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (!interrupt.signal.aborted) console.log('\ninterrupted; cleaning up …');
    interrupt.abort();
  });

const steps: readonly (() => Promise<Tally>)[] = [
  () => runCheck(work, 'types', ['node_modules/typescript/bin/tsc', '--noEmit']),
  () =>
    runCheck(work, 'lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']),
  () => runCheck(work, 'layers', ['scripts/check-layers.ts']),
  () => runCheck(work, 'catalogue', ['scripts/check-catalogue.ts']),
  () => runProject(work, 'unit'),
  labs,
  virtualMachine,
];

let tally = nothing;
for (const step of steps) {
  if (interrupt.signal.aborted) break;
  tally = add(tally, await step());
}
console.log(sayTally(tally));
process.exitCode = interrupt.signal.aborted ? 130 : tally.failed > 0 ? 1 : 0;

async function labs(): Promise<Tally> {
  const why = quick
    ? 'left out by --quick'
    : process.getuid?.() !== 0
      ? 'they make containers and cgroups, which needs root: sudo npm test'
      : undefined;
  if (why === undefined) return runProject(work, 'labs');
  const files = globSync('test/{lab,engines}/**/*.test.ts', { cwd: root });
  console.log(`\nlabs\n skipped  ${files.length} files: ${why}`);
  return skippedMany(files.length);
}

/**
 * A part of the labs on another kernel, within a quarter of an hour; npm run test:vm -- --all runs all of them. Loaded
 * here, since it imports the catalogue: sources that cannot be loaded are for the steps before to say.
 */
async function virtualMachine(): Promise<Tally> {
  if (quick) {
    console.log('\nvirtual machine\n skipped  labs on cgroup v2 and v1: left out by --quick');
    return skippedMany(1);
  }
  try {
    const { runChosenLabs } = await import('./vm/run.ts');
    return await runChosenLabs({ project: root, stop: work.stop, budgetMs: 15 * 60_000 });
  } catch (error) {
    console.log(`\nvirtual machine: ${(error as Error).message}`);
    return oneFailed;
  }
}
