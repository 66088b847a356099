import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostPid, hostPid } from '../../../src/linux/units.ts';
import { busyboxRoot } from './busybox.ts';
import { removeCgroups, unmountBelow } from './leftovers.ts';
import { findProgram, run, until } from './programs.ts';

/** A Docker daemon of the test's own, that touches no other one: own storage, own containerd, no bridge, no rules. */
export interface Dockerd extends AsyncDisposable {
  readonly socket: string;
  /** What Glassbox and Docker's client need to find it. */
  readonly environment: { readonly DOCKER_HOST: string };
  /** The cgroup, in every hierarchy, below which it makes its containers'. */
  readonly cgroup: string;
  /** The daemon's process: of its own network namespace, when it has one. */
  readonly pid: HostPid;
  /** Runs Docker's client; its output. */
  docker(...words: readonly string[]): Promise<string>;
  /** Starts a container from `busyboxImage`, without a network where the daemon has none; its id. */
  start(options: readonly string[], command: readonly string[]): Promise<string>;
}

/** The image that each of these daemons has: /bin with busybox, nothing else. */
export const busyboxImage = 'glassbox-busybox:test';

/**
 * Works on cgroup v1, v2 and hybrid hosts (cgroupfs driver: no systemd needed), on a disk that overlay can stand on.
 * Takes about a second. Should the test die, the daemon is told by the kernel, stops its containers and ends; its
 * directory and empty cgroups are removed by the next one. With networks it is the host of its containers in a network
 * namespace that it was started in: bridges, NAT and rules are there, and the machine's own are not touched.
 */
export async function startDockerd(
  networks: 'none' | 'in a namespace of its own' = 'none',
  /** Where images, layers and logs go; on a file system of the test's, say. */
  dataRoot?: string,
): Promise<Dockerd> {
  for (const abandoned of globSync(`${prefix}*`).filter(isAbandoned)) await removeTraces(abandoned);
  const directory = mkdtempSync(prefix);
  const socket = join(directory, 'docker.sock');
  const name = directory.slice(directory.lastIndexOf('/'));
  const cgroup = `${name}/docker`;
  let log = '';
  const isAlone = networks !== 'none';
  const daemon = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'SIGTERM', '--'],
      ...(isAlone ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh'] : []),
      findProgram('dockerd') ?? 'dockerd',
      ...['--data-root', dataRoot ?? join(directory, 'data'), '--exec-root', join(directory, 'exec')],
      ...['--pidfile', join(directory, 'pid'), '--host', `unix://${socket}`],
      ...(isAlone
        ? ['--bip', '10.81.0.1/24', '--default-address-pool', 'base=10.82.0.0/16,size=24']
        : ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false']),
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', cgroup],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory },
  );
  daemon.stderr.setEncoding('utf8').on('data', text => {
    log = `${log}${text}`.slice(-65_536);
  });
  const ended = once(daemon, 'close');
  const environment = { DOCKER_HOST: `unix://${socket}` };
  const docker = (...words: readonly string[]): Promise<string> =>
    run(findProgram('docker') ?? 'docker', '--host', environment.DOCKER_HOST, ...words);

  const dispose = async (): Promise<void> => {
    const ids = daemon.exitCode === null ? await docker('ps', '--all', '--quiet').catch(() => '') : '';
    if (ids !== '') await docker('rm', '--force', ...ids.split('\n')).catch(() => {});
    daemon.kill('SIGTERM');
    await ended;
    await removeTraces(directory);
  };

  try {
    await until('dockerd listens', () => {
      if (daemon.exitCode === null) return log.includes('API listen on') || undefined;
      throw new Error(`dockerd ended: ${log.slice(-2000)}`);
    });
    const root = join(directory, 'busybox');
    await busyboxRoot(root);
    await run(
      'sh',
      '-c',
      `tar -C "$1" -c . | "$2" -H "$3" import - "$4"`,
      'sh',
      root,
      findProgram('docker') ?? 'docker',
      environment.DOCKER_HOST,
      busyboxImage,
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    socket,
    environment,
    cgroup,
    pid: hostPid(daemon.pid ?? 0),
    docker,
    async start(options, command) {
      const [, named] = options.slice(options.indexOf('--name'));
      // A test that is tried once more finds what its first try left.
      if (options.includes('--name') && named !== undefined) await docker('rm', '--force', named);
      const network = isAlone ? [] : ['--network', 'none'];
      return docker('run', '--detach', ...network, ...options, busyboxImage, ...command);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

const prefix = join(tmpdir(), 'glassbox-dockerd-');

async function removeTraces(directory: string): Promise<void> {
  await unmountBelow(directory);
  await removeCgroups(directory.slice(directory.lastIndexOf('/')));
  rmSync(directory, { recursive: true, force: true });
}

/** A daemon removes its pid file when it ends, and writes it within a moment of its start. */
function isAbandoned(directory: string): boolean {
  try {
    const pid = readFileSync(join(directory, 'pid'), 'utf8').trim();
    return !existsSync(`/proc/${pid}`);
  } catch {
    const age = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    return age > 60_000;
  }
}
