import type { KernelFiles } from '../../linux/files.ts';
import { orElse } from '../../linux/reading.ts';
import { socketOf } from './docker.ts';
import { askEngine, type EngineAnswer } from './docker-socket.ts';

/** Podman's containers through its service, which speaks Docker's API; root's and each user's. */
export function findPodmanContainers(
  files: KernelFiles,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<EngineAnswer> {
  const users = orElse(files.list('/run/user'), []);
  return askEngine(files, {
    engine: 'podman',
    sockets: [
      ...socketOf(environment.CONTAINER_HOST),
      '/run/podman/podman.sock',
      ...users.map(uid => `/run/user/${uid}/podman/podman.sock`),
    ],
    remedies: {
      down: 'start it (systemctl start podman.socket) to see the names and the exited containers',
      forbidden: 'run as root',
    },
  });
}
