import type { Container } from '../containers/container.ts';
import { deviceName } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import { orElse } from '../linux/reading.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import type { FileSystemFacts } from './file-systems.ts';

/** What a container printed, in a file of its engine: outside of it, on the host, and often without a bound. */
export interface EngineLog {
  readonly path: string;
  readonly device: string;
  /** Allocated. */
  readonly size: Bytes;
}

const regularFile = 0o100000;
const typeMask = 0o170000;

/** Docker: json-file logs with their rotated ones. Kubernetes: /var/log/pods of the pod's container. */
export function findLogs(
  files: KernelFiles,
  container: Container,
  fileSystems: readonly FileSystemFacts[],
): readonly EngineLog[] {
  return directoriesOf(files, container, fileSystems).flatMap(directory =>
    orElse(files.list(directory), []).flatMap((name): EngineLog[] => {
      if (!/\.log(?:\.|$)/.test(name)) return [];
      const path = `${directory}/${name}`;
      const status = files.status(path);
      if (!status.present || (status.value.mode & typeMask) !== regularFile) return [];
      return [{ path, device: deviceName(status.value.device), size: bytes(status.value.blocks * 512) }];
    }),
  );
}

function directoriesOf(
  files: KernelFiles,
  { engine, id, pod }: Container,
  fileSystems: readonly FileSystemFacts[],
): readonly string[] {
  if (pod !== null) {
    const pods = orElse(files.list('/var/log/pods'), []).filter(name =>
      name.startsWith(`${pod.namespace}_${pod.name}_`),
    );
    return pods.map(name => `/var/log/pods/${name}/${pod.container}`);
  }
  if (engine !== 'docker') return [];
  // Docker's data root is where its layers are, or the usual place with other storage drivers.
  const roots = fileSystems.flatMap(
    ({ upper }) => /^(.*)\/overlay2\/[^/]+\/diff$/.exec(upper?.path ?? '')?.[1] ?? [],
  );
  return [roots[0] ?? '/var/lib/docker'].map(root => `${root}/containers/${id}`);
}
