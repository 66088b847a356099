import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type HostPid, hostPid } from '../../linux/units.ts';
import { killAllIn, removeCgroupSync } from '../cgroup-removal.ts';
import { defaultLimits, makeCgroup } from '../cgroups.ts';
import type { Journal } from '../journal.ts';
import { identify, isAlive, runVariable, signalQuietly } from '../processes.ts';
import { openProgramOutput, type ProgramOutput } from '../program-output.ts';
import type { HostProgram, LabHost, RunningProgram } from './network.ts';

/**
 * A network namespace, held by a shell that waits for its input to end: with us it ends, and with it and the
 * programs of its cgroup ends the namespace. Nothing is mounted, so nothing can be left mounted.
 */
export async function startHost(
  journal: Journal,
  name: string,
): Promise<Pick<LabHost, 'name' | 'init' | 'start' | 'stop'>> {
  const cgroup = makeCgroup(journal, [`host-${name}-${nextNumber()}`], defaultLimits());
  const join = cgroup.all.map(directory => `echo 0 > '${directory}/cgroup.procs'`);
  const launch = (wrapper: readonly string[], script: string): Launched =>
    start(journal, name, wrapper, [...join, script].join('\n'));
  const holder = launch(
    ['unshare', '--net'],
    `printf %.15s ${name} > /proc/self/comm\nip link set lo up\necho up\nread -r end`,
  );
  await holder.output.line(/^up$/);

  const startProgram = async ({ file, args = [] }: HostProgram): Promise<RunningProgram> => {
    const words = [process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(file), ...args];
    const enter = ['nsenter', '--target', `${holder.pid}`, '--net'];
    const program = launch(
      enter,
      `exec setpriv --pdeathsig KILL --inh-caps=-all --ambient-caps=-all --bounding-set=-all ${words.map(quote).join(' ')}`,
    );
    return { pid: program.pid, line: program.output.line, stop: program.stop };
  };
  return {
    name,
    init: holder.pid,
    start: startProgram,
    stop: async () => {
      await holder.stop();
      for (const directory of cgroup.all) killAllIn(directory);
      for (const directory of cgroup.all) removeCgroupSync(directory);
    },
  };
}

let hosts = 0;
const nextNumber = (): number => {
  hosts += 1;
  return hosts;
};

interface Launched {
  readonly pid: HostPid;
  readonly output: ProgramOutput;
  stop(): Promise<void>;
}

/** Journalled before its script, which waits for a line, does anything. */
function start(journal: Journal, name: string, wrapper: readonly string[], script: string): Launched {
  const output = openProgramOutput(name);
  const child: ChildProcess = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', ...wrapper, 'sh', '-c', `read -r go || exit 0\nset -eu\n${script}`],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, [runVariable]: journal.run },
      // Out of the terminal's foreground group: Ctrl-C is for us, and we undo.
      detached: true,
    },
  );
  child.stdout?.setEncoding('utf8').on('data', output.add);
  child.stderr?.setEncoding('utf8').on('data', output.add);
  child.stdin?.on('error', () => {});
  const ended = new Promise<void>(resolve => {
    child.on('error', error => {
      output.end(`it could not start (${error.message})`);
      resolve();
    });
    child.on('close', () => {
      output.end('it ended');
      resolve();
    });
  });
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new Error(`${name}: ${wrapper[0]} could not start; install util-linux`);
  journal.record({ kind: 'process', ...identity });
  child.stdin?.write('go\n');
  return {
    pid: hostPid(identity.pid),
    output,
    stop: async () => {
      if (isAlive(identity)) signalQuietly(identity.pid, 'SIGKILL');
      await ended;
    },
  };
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
