import type { KernelFiles } from '../files.ts';
import { parseNamespaceLink, readNamespace } from '../namespaces.ts';
import { readMountinfo } from '../proc/mountinfo.ts';
import { listProcesses } from '../proc/process.ts';
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
