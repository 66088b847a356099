import type { CommonFacts } from '../../../diagnose/facts.ts';
import { isHostRoot } from '../../../diagnose/host-paths.ts';
import { leastMounts, volumeFlags, volumeMounts } from '../../../diagnose/least-mounts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import type { NamespaceKind } from '../../../linux/namespaces.ts';
import type { HostMount } from '../../../observe/observation.ts';
import type { OutsideUse } from '../../../observe/outside-use.ts';

/** In place of all that it shares, what of it was seen in use: as flags of the engine, or as fields of the pod. */
export function leastSharing(
  { engine, pod }: Pick<CommonFacts['container'], 'engine' | 'pod'>,
  shared: readonly NamespaceKind[],
  hostMounts: readonly HostMount[],
  use: OutsideUse,
): Fix {
  const ports = shared.includes('net') ? [...new Set(use.listeners.map(({ port }) => port))] : [];
  const mounts = leastMounts(hostMounts.filter(isHostRoot), use.files);
  const flags = [...ports.map(port => `--publish ${port}:${port}`), ...volumeFlags(mounts)].join(' ');
  const fields = [
    ...shared.map(kind => `host${podNames[kind] ?? kind}: false`),
    ...(ports.length === 0
      ? []
      : [`ports: [${ports.map(port => `{containerPort: ${port}, hostPort: ${port}}`).join(', ')}]`]),
    ...(mounts.length === 0 ? [] : [volumeMounts(mounts)]),
  ].join(', ');
  const inPod = fields === '' ? 'without these mounts' : `{${fields}}`;
  const without = shared.map(kind => `--${kind === 'net' ? 'network' : kind}=host`).join(', ');
  const command = `${engine === 'podman' ? 'podman' : 'docker'} run ${flags === '' ? '' : `${flags} `}…`;
  return {
    action:
      pod !== null
        ? `In the pod spec, what it was seen to use and no more: ${inPod}`
        : engine === 'bare'
          ? `What it was seen to use and no more: as flags of Docker: ${flags === '' ? 'none' : flags}. In a pod: ${inPod}`
          : `Start it with what it was seen to use and no more${without === '' ? '' : `, without ${without}`}; in a pod: ${inPod}`,
    ...(pod === null && engine !== 'bare' ? { command } : {}),
    effect: 'It shares nothing but this with the host',
    risk: 'What it uses only at start or once a day was not seen in this look',
  };
}

const podNames: Readonly<Partial<Record<NamespaceKind, string>>> = { pid: 'PID', net: 'Network', ipc: 'IPC' };
