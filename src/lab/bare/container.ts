import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { capabilityName, engineDefaultCapabilities } from '../../linux/capabilities.ts';
import { openKernelFiles } from '../../linux/files.ts';
import type { NamespaceKind } from '../../linux/namespaces.ts';
import { readMountinfo } from '../../linux/proc/mountinfo.ts';
import { orElse } from '../../linux/reading.ts';
import { syscallNumber } from '../../linux/syscalls/names.ts';
import { bytes, hostPid } from '../../linux/units.ts';
import { killAllIn, removeCgroupSync } from '../cgroup-removal.ts';
import { defaultLimits, type LabCgroup, makeCgroup } from '../cgroups.ts';
import type { Journal } from '../journal.ts';
import type { ContainerSpec, LabContainer } from '../lab.ts';
import { identify, isAlive, type ProcessIdentity, runVariable, signalQuietly } from '../processes.ts';
import { programBinds, programCommand } from '../program-command.ts';
import { openProgramOutput, type ProgramOutput } from '../program-output.ts';
import { runInside } from '../run-inside.ts';
import { isRoot, uidOf } from '../user.ts';
import { type SetupPlan, setupScript } from './setup-script.ts';

/** Starts a container from util-linux, cgroup files and the host's own root. `mountPoint` is an empty directory. */
export async function startBareContainer(
  journal: Journal,
  mountPoint: string,
  spec: ContainerSpec,
): Promise<LabContainer> {
  const above = spec.parentLimits === undefined ? [] : [`${spec.name}-parent`];
  const parent = spec.parentLimits && makeCgroup(journal, above, spec.parentLimits);
  const cgroup = makeCgroup(journal, [...above, spec.name], { ...defaultLimits(), ...spec.limits });

  const output = openProgramOutput(spec.name);
  const shared = new Set(spec.share);
  const child = spawn('setpriv', launcher(shared, setupScript(planOf(spec, mountPoint, shared, cgroup))), {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, [runVariable]: journal.run },
    // Out of the terminal's foreground group: Ctrl-C is for us, and we undo.
    detached: true,
  });
  child.stdout?.setEncoding('utf8').on('data', chunk => output.add(chunk));
  child.stderr?.setEncoding('utf8').on('data', chunk => output.add(chunk));
  // A program that ended no longer reads what is said to it.
  child.stdin?.on('error', () => {});
  const ended = new Promise<void>(resolve => {
    child.on('error', error => output.end(`it could not start (${error.message})`));
    child.on('close', () => {
      output.end('it ended');
      resolve();
    });
    child.on('error', () => resolve());
  });
  const init = await handshake(child, journal, output);
  const pid = hostPid(init.pid);
  return {
    name: spec.name,
    selector: `pid:${pid}`,
    init: pid,
    directories: cgroup.directories,
    parentDirectories: parent?.directories ?? {},
    line: output.line,
    say: line => child.stdin?.write(`${line}\n`),
    run: (command, namespaces) => runInside(journal.run, init, command, namespaces),
    setLimits: async limits => cgroup.setLimits(limits),
    stop: async () => {
      const directories = [...cgroup.all, ...(parent?.all ?? [])];
      if (isAlive(init)) signalQuietly(pid, 'SIGKILL');
      // Those that a shared pid namespace does not end with PID 1; and the frozen, which do not even die.
      for (const directory of directories) killAllIn(directory);
      await ended;
      for (const directory of directories) removeCgroupSync(directory);
    },
  };
}

/**
 * unshare dies with us (parent-death signal) and takes its child, PID 1 of the container, with it; with PID 1
 * ends everything in the pid namespace. Mounts, network and ipc end with their namespaces. With the host's pids
 * there is no PID 1: then unshare becomes the container's process itself, and no root process waits in its mounts.
 */
function launcher(shared: ReadonlySet<NamespaceKind>, script: string): readonly string[] {
  const flags: Partial<Record<NamespaceKind, string>> = {
    mnt: '--mount',
    pid: '--pid',
    ipc: '--ipc',
    uts: '--uts',
    net: '--net',
  };
  const own = Object.entries(flags).flatMap(([kind, flag]) =>
    shared.has(kind as NamespaceKind) ? [] : [flag],
  );
  const fork = shared.has('pid') ? [] : ['--fork', '--kill-child=KILL'];
  // Its own first step, all mounts private, fails in a chroot; there the script does it.
  const propagation = rootIsMountPoint() ? [] : ['--propagation', 'unchanged'];
  const unshare = ['unshare', ...own, ...propagation, ...fork];
  return ['--pdeathsig', 'KILL', ...unshare, '/bin/sh', '-c', script];
}

function planOf(
  spec: ContainerSpec,
  mountPoint: string,
  shared: ReadonlySet<NamespaceKind>,
  cgroup: LabCgroup,
): SetupPlan {
  return {
    hostName: spec.name,
    mountPoint,
    shared,
    isChroot: !rootIsMountPoint(),
    uid: isRoot(spec) ? undefined : uidOf(spec.user),
    capabilities: spec.privileged
      ? 'all'
      : (spec.capabilities ?? engineDefaultCapabilities.map(number => capabilityName(number))),
    deniedCalls: (spec.deniedCalls ?? []).flatMap(name => syscallNumber(name) ?? []),
    processLimit: spec.processLimit,
    cgroupDirectories: cgroup.all,
    binds: [...separateMounts(), ...programBinds(spec.program), ...(spec.binds ?? [])],
    sysctls: spec.sysctls ?? {},
    sharedMemorySize: spec.sharedMemorySize ?? bytes(64 * 1024 * 1024),
    command: programCommand(spec.program, !shared.has('mnt')),
  };
}

const mountPoints = (): readonly string[] =>
  orElse(readMountinfo(openKernelFiles(), 'self'), []).map(({ mountPoint }) => mountPoint);

/** Not so after chroot(2) into an ordinary directory. */
const rootIsMountPoint = (): boolean => mountPoints().includes('/');

/** An overlay shows its lower layer without what is mounted in it: a separate /usr, for one. */
function separateMounts(): NonNullable<ContainerSpec['binds']> {
  return mountPoints()
    .filter(point => /^\/(?:usr|bin|sbin|lib\w*|etc|opt)(?:\/|$)/.test(point))
    .map(point => ({ source: point, target: point, writable: false }));
}

/** Pid out, journal, `go` back, and `ready` when everything is in place and the program is next. */
async function handshake(
  child: ChildProcess,
  journal: Journal,
  output: ProgramOutput,
): Promise<ProcessIdentity> {
  const channel = child.stdio[3] as Duplex;
  channel.setEncoding('utf8');
  channel.on('error', () => {});
  const said: AsyncIterator<string> = lines(channel);
  const next = async (what: string): Promise<string> => {
    const { value, done } = await said.next();
    if (done === true) {
      // Its last words may still be on their way.
      await new Promise(resolve => child.once('close', resolve));
      throw new Error(`a container could not be made (${what}): ${output.all().trim()}`);
    }
    return value;
  };
  const init = identify(Number(await next('start')));
  const launcherProcess = child.pid === undefined ? undefined : identify(child.pid);
  if (init === undefined || launcherProcess === undefined) throw new Error('a container ended at once');
  journal.record({ kind: 'process', ...launcherProcess }, { kind: 'process', ...init });
  channel.write('go\n');
  await next('set-up');
  return init;
}

async function* lines(stream: Duplex): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
