import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Runs a program to its end and gives its standard output; rejects with its last words when it fails. */
export function runProgram(
  command: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly input?: Buffer } = {},
): Promise<Buffer> {
  const [program, ...words] = command;
  const child = spawn(program, words, {
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const output: Buffer[] = [];
  let complaints = '';
  child.stdout.on('data', chunk => output.push(chunk));
  child.stderr.on('data', chunk => {
    complaints = (complaints + chunk).slice(-2000);
  });
  // It may end without having read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  // What it makes is taken away with us.
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  return new Promise<Buffer>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new Error(`${program} ended with ${code ?? 'a signal'}: ${complaints.trim()}`));
    });
  }).finally(() => process.off('exit', kill));
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
