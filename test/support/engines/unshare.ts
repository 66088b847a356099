import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type HostPid, hostPid } from '../../../src/linux/units.ts';
import { until } from './programs.ts';

export interface UnsharedContainer extends AsyncDisposable {
  /** The first process in the new pid namespace; without one, unshare itself, which became the command. */
  readonly init: HostPid;
}

/** Every namespace but the user's, as an engine makes them. */
export const allNamespaces = [
  '--pid',
  '--mount-proc',
  '--mount',
  '--uts',
  '--ipc',
  '--net',
  '--cgroup',
] as const;

/** A container that no engine knows: a command under util-linux's unshare. Ends with the test, whatever happens to it. */
export async function runUnshare(
  command: readonly string[],
  flags: readonly string[] = allNamespaces,
): Promise<UnsharedContainer> {
  const hasPidNamespace = flags.includes('--pid');
  const forking = hasPidNamespace ? ['--fork', '--kill-child=KILL'] : [];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'SIGKILL', '--', 'unshare', ...flags, ...forking, '--', ...command],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints = `${complaints}${text}`.slice(-4096);
  });
  const ended = once(child, 'exit');
  const pid = child.pid ?? 0;
  let init: number | undefined;
  // unshare waits for its child, and so ends when nothing is left in there; alone it would leave its child behind.
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(init ?? pid, 'SIGKILL');
    await ended;
  };
  try {
    const started = await until(`${command[0]} runs in its namespaces`, () => {
      if (child.exitCode !== null) throw new Error(`unshare ended with ${child.exitCode}: ${complaints}`);
      if (hasPidNamespace) return hasExecuted(childOf(pid), 'unshare');
      return hasExecuted(pid, 'unshare', 'setpriv');
    });
    init = started;
    return { init: hostPid(started), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

/** The pid, once its program is no longer one of those that prepare it. */
function hasExecuted(pid: number, ...before: readonly string[]): number | undefined {
  if (!(pid > 0)) return undefined;
  try {
    return before.includes(readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ? undefined : pid;
  } catch {
    return undefined;
  }
}
