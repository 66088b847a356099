import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a host program to its end; its standard output without the last newline. Rejects with its standard error. */
export async function run(program: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, [...words], { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
  return stdout.replace(/\n$/, '');
}

/** Debian keeps some of what the tests start in directories that not every shell searches. */
const searched = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Where a program is; undefined when its package is not installed. */
export function findProgram(name: string): string | undefined {
  return searched.map(directory => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why a test that starts these programs as root cannot run here; undefined when it can. */
export function whyNot(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = programs.filter(name => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}: scripts/debian-packages.sh`;
}

/** Looks every 20 ms until there is something. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
