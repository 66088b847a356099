import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { NamespaceKind } from '../linux/namespaces.ts';
import { patient } from './patience.ts';
import { type ProcessIdentity, runVariable } from './processes.ts';

const enter: Partial<Record<NamespaceKind, readonly string[]>> = {
  cgroup: ['--cgroup'],
  ipc: ['--ipc'],
  // A mount namespace of a chroot has a root of its own above the container's.
  mnt: ['--mount', '--root', '--wd'],
  net: ['--net'],
  pid: ['--pid'],
  user: ['--user'],
  uts: ['--uts'],
};

const timeoutMs = patient(30_000);

/** A command of the host's in some of the container's namespaces, with its output and errors as one text. */
export function runInside(
  run: string,
  init: ProcessIdentity,
  command: readonly string[],
  namespaces: readonly NamespaceKind[],
): Promise<{ readonly code: number; readonly output: string }> {
  const flags = namespaces.flatMap(kind => enter[kind] ?? []);
  // From util-linux 2.40 on, nsenter refuses to enter nothing.
  const enterFirst = flags.length === 0 ? [] : ['nsenter', '--target', `${init.pid}`, ...flags];
  const args = ['--pdeathsig', 'KILL', ...enterFirst, '--', ...command];
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [runVariable]: run },
      timeout: timeoutMs,
      detached: true,
    });
    let output = '';
    const add = (chunk: string): void => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      // As a shell says it: 128 and the signal's number.
      resolve({ code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], output });
    });
  });
}
