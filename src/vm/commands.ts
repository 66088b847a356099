import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/**
 * Starts a program that ends with this process, however that ends, and takes its own children with it when that is by a
 * signal we hear. Ctrl-C on a terminal is for us.
 */
export function spawnOwned(
  program: string,
  words: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'stdio' | 'env'>,
): { readonly child: ChildProcess; kill(): void } {
  const path = findProgram(program) ?? program;
  const bound = ['--pdeathsig', 'KILL', path, ...words];
  const child = spawn(findProgram('setpriv') ?? 'setpriv', bound, { ...options, detached: true });
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  // Before the directories go that it writes to.
  process.prependListener('exit', kill);
  child.on('close', () => process.off('exit', kill));
  child.on('error', () => process.off('exit', kill));
  return { child, kill };
}

/** Runs a program to its end and gives its standard output; rejects with its last words when it fails. */
export async function runProgram(
  command: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly input?: Buffer | ((stream: Writable) => Promise<void>) } = {},
): Promise<Buffer> {
  const [program, ...words] = command;
  const { cwd, input } = options;
  const { child, kill } = spawnOwned(program, words, {
    cwd,
    stdio: 'pipe',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [stdin, stdout, stderr] = [
    child.stdin as Writable,
    child.stdout as Readable,
    child.stderr as Readable,
  ];
  const output: Buffer[] = [];
  let complaints = '';
  stdout.on('data', chunk => output.push(chunk));
  stderr.on('data', chunk => {
    complaints = (complaints + chunk).slice(-2000);
  });
  // It may end without having read everything, and says itself why.
  stdin.on('error', () => {});
  const ended = new Promise<string | undefined>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : `${program} ended with ${signal ?? code}: ${complaints.trim()}`),
    );
  });
  if (typeof input === 'function') {
    try {
      await Promise.race([input(stdin), ended]);
    } catch (error) {
      kill();
      await ended;
      throw error;
    }
  } else stdin.end(input);
  const failure = await ended;
  if (failure !== undefined) throw new Error(failure);
  return Buffer.concat(output);
}

/** sbin too: it is not in the PATH of every shell. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return directories
    .map(directory => join(directory, name))
    .find(path => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
