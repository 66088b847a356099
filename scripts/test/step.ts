import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { oneFailed, onePassed, type Tally, tallyOfReport } from './tally.ts';

export interface Workplace {
  readonly root: string;
  /** Where reports go. */
  readonly reports: string;
  /** Aborted by Ctrl-C. */
  readonly stop: AbortSignal;
}

/** What a labs run may take when something hangs, so that the last line is still printed before CI gives up. */
const timeLimitMs = 75 * 60_000;
const graceMs = 20_000;

/** Runs a check that says everything by its exit code. Its output is shown only when it fails. */
export async function runCheck(work: Workplace, name: string, words: readonly string[]): Promise<Tally> {
  const started = Date.now();
  process.stdout.write(`${name.padEnd(10)}`);
  let output = '';
  const child = spawn(process.execPath, words, { cwd: work.root, stdio: ['ignore', 'pipe', 'pipe'] });
  const collect = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const code = await ended(child, work.stop);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(code === 0 ? `ok, ${seconds} s` : `FAILED, ${seconds} s: node ${words.join(' ')}\n${output}`);
  return code === 0 ? onePassed : oneFailed;
}

/** Runs one of vitest's projects and counts its tests. */
export async function runProject(work: Workplace, project: string): Promise<Tally> {
  const report = join(work.reports, `${project}.json`);
  rmSync(report, { force: true });
  console.log(`\n${project}`);
  const words = [
    'node_modules/vitest/vitest.mjs',
    'run',
    `--project=${project}`,
    '--reporter=default',
    '--reporter=./scripts/test/skip-reporter.ts',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const child = spawn(process.execPath, words, { cwd: work.root, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await ended(child, work.stop);
  return tallyOfReport(readIfThere(report), code);
}

/**
 * The exit code, null for a signal. A terminal sends Ctrl-C to the whole process group, so the child already has
 * it and is given time to clean up.
 */
function ended(child: ChildProcess, stop: AbortSignal): Promise<number | null> {
  const kill = (): boolean => child.kill('SIGKILL');
  const terminate = (): void => {
    child.kill('SIGTERM');
    setTimeout(kill, graceMs).unref();
  };
  const limit = setTimeout(terminate, timeLimitMs);
  const onStop = (): void => {
    setTimeout(terminate, graceMs).unref();
  };
  stop.addEventListener('abort', onStop);
  return new Promise(resolve => {
    const done = (code: number | null): void => {
      clearTimeout(limit);
      stop.removeEventListener('abort', onStop);
      resolve(code);
    };
    child.on('error', error => {
      console.log(error.message);
      done(null);
    });
    child.on('close', done);
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
