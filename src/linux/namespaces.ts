import type { KernelFiles } from './files.ts';
import { absent, flatMapReading, orElse, present, type Reading } from './reading.ts';
import { type HostPid, hostPid, type NamespaceId, namespaceId } from './units.ts';

/** The namespaces of namespaces(7), by the names of /proc/<pid>/ns. */
export const namespaceKinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'] as const;
export type NamespaceKind = (typeof namespaceKinds)[number];
export type Namespaces = Readonly<Partial<Record<NamespaceKind, NamespaceId>>>;

/** PROC_PID_INIT_INO of the kernel: the pid namespace of the machine itself always has this number. */
export const initialPidNamespace = namespaceId(0xeffffffc);

/** `net:[4026531840]` → 4026531840. */
export function parseNamespaceLink(text: string): NamespaceId | undefined {
  const match = /^[a-z_]+:\[(\d+)\]$/.exec(text);
  return match?.[1] === undefined ? undefined : namespaceId(Number(match[1]));
}

/** One namespace of a process, from the link /proc/<pid>/ns/<kind>. */
export function readNamespace(
  files: KernelFiles,
  pid: HostPid | 'self',
  kind: NamespaceKind,
): Reading<NamespaceId> {
  const path = `/proc/${pid}/ns/${kind}`;
  return flatMapReading(files.link(path), text => {
    const id = parseNamespaceLink(text);
    return id === undefined ? absent(path, 'unreadable', `unknown link form "${text}"`) : present(id);
  });
}

/** All namespaces that can be read; a kind this kernel lacks is left out. Absent when none can. */
export function readNamespaces(files: KernelFiles, pid: HostPid | 'self'): Reading<Namespaces> {
  const found: Partial<Record<NamespaceKind, NamespaceId>> = {};
  let failure: Reading<NamespaceId> | undefined;
  for (const kind of namespaceKinds) {
    const reading = readNamespace(files, pid, kind);
    if (reading.present) found[kind] = reading.value;
    else failure ??= reading;
  }
  if (Object.keys(found).length > 0) return present(found);
  return failure?.present === false
    ? failure
    : absent(`/proc/${pid}/ns`, 'kernel-too-old', 'namespaces need Linux 3.8');
}

/** pid 1's. Without the right to look at it the observer's own stand in: on a host they are the same. */
export function readInitialNamespaces(files: KernelFiles): Namespaces {
  const initial = readNamespaces(files, hostPid(1));
  return initial.present ? initial.value : orElse(readNamespaces(files, 'self'), {});
}
