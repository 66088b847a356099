import type { Container } from '../containers/container.ts';
import { deviceName } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import { orElse } from '../linux/reading.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import type { FileSystemFacts } from './file-systems.ts';

/** What a container printed, in files of its engine: outside of it, on the host, and often without a bound. */
export interface EngineLog {
  /** The file that is written to, or the latest. */
  readonly path: string;
  readonly device: string;
  /** Allocated, of all. */
  readonly bytes: Bytes;
  /** All of them, rotated ones too; the largest first. */
  readonly files: readonly { readonly path: string; readonly size: Bytes }[];
  readonly keeper?: LogKeeper;
}

/** Who writes it, and what bounds it: Docker's log driver and its options (`max-size=10m`). */
export interface LogKeeper {
  readonly driver: string;
  readonly options: readonly string[];
}

interface Place {
  readonly directory: string;
  readonly keeper?: LogKeeper;
}

const regularFile = 0o100000;
const typeMask = 0o170000;

/** Docker: drivers json-file and local. Podman: k8s-file. Kubernetes: /var/log/pods of the pod's container. */
export function findLogs(
  files: KernelFiles,
  container: Container,
  fileSystems: readonly FileSystemFacts[],
): readonly EngineLog[] {
  return placesOf(files, container, fileSystems).flatMap(({ directory, keeper }): EngineLog[] => {
    const found = orElse(files.list(directory), []).flatMap(name => {
      if (!/\.log(?:\.|$)/.test(name)) return [];
      const path = `${directory}/${name}`;
      const status = files.status(path);
      if (!status.present || (status.value.mode & typeMask) !== regularFile) return [];
      const { device, blocks, modified } = status.value;
      return [{ path, device: deviceName(device), size: bytes(blocks * 512), modified }];
    });
    const [latest] = found.toSorted((a, b) => b.modified - a.modified);
    if (latest === undefined) return [];
    return [
      {
        path: latest.path,
        device: latest.device,
        bytes: bytes(found.reduce((sum, { size }) => sum + size, 0)),
        files: found.toSorted((a, b) => b.size - a.size).map(({ path, size }) => ({ path, size })),
        ...(keeper === undefined ? {} : { keeper }),
      },
    ];
  });
}

function placesOf(
  files: KernelFiles,
  { engine, id, pod }: Container,
  fileSystems: readonly FileSystemFacts[],
): readonly Place[] {
  if (pod !== null) {
    // Labels, which anybody who starts a container may set: a name leads nowhere else.
    if (pod.container.includes('/') || pod.container === '..') return [];
    const pods = orElse(files.list('/var/log/pods'), []).filter(name =>
      name.startsWith(`${pod.namespace}_${pod.name}_`),
    );
    return pods.map(name => ({ directory: `/var/log/pods/${name}/${pod.container}` }));
  }
  if (engine === 'podman')
    return [
      {
        directory: `${rootOf(fileSystems, 'overlay') ?? '/var/lib/containers/storage'}/overlay-containers/${id}/userdata`,
      },
    ];
  if (engine !== 'docker') return [];
  const directory = `${rootOf(fileSystems, 'overlay2') ?? '/var/lib/docker'}/containers/${id}`;
  const text = files.read(`${directory}/hostconfig.json`);
  const keeper = text.present ? parseLogConfig(text.value) : undefined;
  return [directory, `${directory}/local-logs`].map(each => ({
    directory: each,
    ...(keeper === undefined ? {} : { keeper }),
  }));
}

/** An engine's own directory is where its layers are, or the usual place with other storage drivers. */
function rootOf(fileSystems: readonly FileSystemFacts[], layers: 'overlay' | 'overlay2'): string | undefined {
  const layer = new RegExp(`^(.*)/${layers}/[^/]+/diff$`);
  return fileSystems.flatMap(({ upper }) => layer.exec(upper?.path ?? '')?.[1] ?? [])[0];
}

/** `LogConfig` of Docker's hostconfig.json: {"Type":"json-file","Config":{"max-size":"10m"}}. */
export function parseLogConfig(text: string): LogKeeper | undefined {
  let config: { LogConfig?: { Type?: unknown; Config?: unknown } | null } | null;
  try {
    config = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Type: driver, Config: options } = config?.LogConfig ?? {};
  if (typeof driver !== 'string') return undefined;
  return {
    driver,
    options: Object.entries(options ?? {}).map(([name, value]) => `${name}=${value}`),
  };
}
