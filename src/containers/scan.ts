import type { KernelFiles } from '../linux/files.ts';
import { type Namespaces, readNamespace, readNamespaces } from '../linux/namespaces.ts';
import { listProcesses } from '../linux/proc/process.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { type HostPid, hostPid, type NamespaceId } from '../linux/units.ts';

/** Every process of the host by the two namespaces that tell containers apart, at two links per process. */
export interface ProcessScan {
  /** What containers are compared with: pid 1's namespaces, or the reader's own where those are barred. */
  readonly host: Namespaces;
  readonly processes: readonly ScannedProcess[];
  /** How many processes do not show their namespaces to the reader. */
  readonly hidden: number;
}

export interface ScannedProcess {
  readonly pid: HostPid;
  readonly pidNamespace: NamespaceId;
  /** A zombie has given up its mount namespace, and keeps its pid and so its pid namespace. */
  readonly mountNamespace: NamespaceId | null;
}

/** `known` spares the links of processes that are still the same ones as in an earlier scan. */
export function scanProcesses(
  files: KernelFiles,
  known: ReadonlyMap<HostPid, ScannedProcess> = new Map(),
): Reading<ProcessScan> {
  return flatMapReading(listProcesses(files), pids => {
    const host = hostNamespaces(files);
    if (host.pid === undefined) {
      return absent('/proc/self/ns/pid', 'unreadable', 'mount the /proc of the pid namespace you are in');
    }
    const processes: ScannedProcess[] = [];
    let hidden = 0;
    for (const pid of pids) {
      const unchanged = known.get(pid);
      if (unchanged !== undefined) {
        processes.push(unchanged);
        continue;
      }
      const pidNamespace = readNamespace(files, pid, 'pid');
      if (pidNamespace.present) {
        const mountNamespace = orElse<ScannedProcess['mountNamespace']>(
          readNamespace(files, pid, 'mnt'),
          null,
        );
        processes.push({ pid, pidNamespace: pidNamespace.value, mountNamespace });
      } else if (pidNamespace.because === 'not-permitted' && pid !== 1) {
        // pid 1 may hold capabilities that root of a hardened virtual machine lacks; that hides no container.
        hidden += 1;
      }
    }
    return present({ host, processes, hidden });
  });
}

function hostNamespaces(files: KernelFiles): Namespaces {
  const own = orElse(readNamespaces(files, 'self'), {});
  return { ...own, ...orElse(readNamespaces(files, hostPid(1)), {}) };
}
