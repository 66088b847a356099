import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface CliRun {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command line as users do, from its source, without a terminal. */
export function glassbox(
  words: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): CliRun {
  const run = spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), ...words], {
    input: options.input ?? '',
    env: { ...process.env, LANG: 'C', ...options.env },
    encoding: 'utf8',
    ...(options.timeout === undefined ? {} : { timeout: options.timeout, killSignal: 'SIGKILL' }),
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: run.status, output: run.stdout, errors: run.stderr };
}
