import type { KernelFiles } from '../../linux/files.ts';
import { askEngine, type EngineAnswer } from './docker-socket.ts';

const usual = '/var/run/docker.sock';

/** Docker's containers, running and exited, from the daemon at $DOCKER_HOST and the one at the usual socket. */
export function findDockerContainers(
  files: KernelFiles,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<EngineAnswer> {
  return askEngine(files, {
    engine: 'docker',
    sockets: [...socketOf(environment.DOCKER_HOST), usual],
    remedies: {
      down: 'start it (systemctl start docker) to see the names and the exited containers',
      forbidden: 'run as root, or join the group docker',
    },
  });
}

/** Only a Unix socket leads to containers of this machine. */
export const socketOf = (host: string | undefined): readonly string[] => {
  const path = /^unix:\/\/(\/.+)$/.exec(host ?? '')?.[1];
  return path === undefined ? [] : [path];
};
