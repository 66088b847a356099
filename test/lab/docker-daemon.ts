import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeEmptyCgroup } from '../../src/lab/cgroup-removal.ts';
import { labLayout } from '../../src/lab/cgroups.ts';
import { hasProgram } from '../../src/lab/needs.ts';
import { unmountBelow } from '../support/engines/leftovers.ts';

export interface DockerDaemon {
  readonly socket: string;
  stop(): Promise<void>;
}

/** Why no daemon of our own can be started; undefined when it can. */
export const noDaemon = (): string | undefined => {
  if (process.geteuid?.() !== 0) return 'it takes root; run it with sudo';
  return hasProgram('dockerd') ? undefined : 'there is no dockerd; apt-get install docker.io';
};

/** A Docker of our own beside the machine's: other directories and socket, no bridge, no firewall rules. */
export async function startDockerDaemon(): Promise<DockerDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'glassbox-docker-'));
  const socket = join(directory, 'docker.sock');
  const places = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const files = ['--pidfile', join(directory, 'pid'), '--host', `unix://${socket}`];
  // A parent cgroup of our own: containers leave it behind, and the machine's /docker is not ours to remove.
  const parent = `glassbox-docker-${process.pid}`;
  const network = ['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'];
  const child = spawn('dockerd', [...places, ...files, ...network, '--cgroup-parent', `/${parent}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log = (log + chunk).slice(-4000);
  });
  const closed = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
    for (const { mountPoint } of labLayout().hierarchies) removeEmptyCgroup(join(mountPoint, parent));
    // A daemon that found no private mount namespace leaves its own mounts.
    await unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  for (let waited = 0; !existsSync(socket) || !log.includes('API listen'); waited += 50) {
    if (child.exitCode !== null || waited > 30_000) {
      await stop();
      throw new Error(`dockerd did not start:\n${log}`);
    }
    await sleep(50);
  }
  return { socket, stop };
}
