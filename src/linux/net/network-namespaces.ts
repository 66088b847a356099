import type { KernelFiles } from '../files.ts';
import { parseNamespaceLink, readInitialNamespaces, readNamespace } from '../namespaces.ts';
import { readMountinfo } from '../proc/mountinfo.ts';
import { listProcesses } from '../proc/process.ts';
import { readStat } from '../proc/stat.ts';
import { mapReading, orElse, type Reading } from '../reading.ts';
import { type HostPid, hostPid, type NamespaceId } from '../units.ts';

/** A network namespace and a way in. */
export interface NetworkNamespace {
  readonly id: NamespaceId;
  /** /proc/<pid>/ns/net, or the mount that keeps it. */
  readonly path: string;
  /** Its oldest process; null when only a mount keeps it, as /run/netns/NAME does. */
  readonly pid: HostPid | null;
}

/** What a network namespace is called where nobody knows its container: a mount's name, or a process in it. */
export function sayNetworkNamespace(
  files: KernelFiles,
  namespaces: readonly NetworkNamespace[],
  id: NamespaceId,
): string {
  if (readInitialNamespaces(files).net === id) return 'the host';
  const found = namespaces.find(namespace => namespace.id === id);
  if (found === undefined || found.pid === null) return found?.path.split('/').at(-1) ?? `net:[${id}]`;
  const stat = readStat(files, found.pid);
  return `${stat.present ? stat.value.name : 'a process'} (pid ${found.pid})`;
}

/** Every network namespace that a process is in or a mount keeps; devices may be elsewhere only for a moment. */
export function listNetworkNamespaces(files: KernelFiles): Reading<readonly NetworkNamespace[]> {
  return mapReading(listProcesses(files), pids => {
    const found = new Map<NamespaceId, NetworkNamespace>();
    for (const pid of pids.toSorted((a, b) => a - b)) {
      const id = readNamespace(files, pid, 'net');
      if (id.present && !found.has(id.value))
        found.set(id.value, { id: id.value, path: `/proc/${pid}/ns/net`, pid });
    }
    for (const { root, mountPoint, type } of orElse(readMountinfo(files, hostPid(process.pid)), [])) {
      const id = type === 'nsfs' && root.startsWith('net:') ? parseNamespaceLink(root) : undefined;
      if (id !== undefined && !found.has(id)) found.set(id, { id, path: mountPoint, pid: null });
    }
    return [...found.values()];
  });
}
