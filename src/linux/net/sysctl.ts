import type { KernelFiles } from '../files.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { inNamespace, inNewNetworkNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';

/** net.* values by dotted name, white space as one blank: `net.ipv4.tcp_rmem` → `4096 131072 6291456`. */
export type Sysctls = Readonly<Record<string, string>>;

/**
 * A file of /proc/sys/net (Documentation/admin-guide/sysctl/net.rst, Documentation/networking/ip-sysctl.rst).
 * Which files there are, and which may be written, depends on the network namespace of the thread that looks.
 */
export interface SysctlName {
  readonly name: string;
  readonly writable: boolean;
}

/**
 * Settings of interfaces and their neighbours, and ip_forward, which is another name of conf/all/forwarding. What
 * a new namespace starts with depends on net.core.devconf_inherit_init_net; engines set them for what they attach.
 */
export const isInterfaceSetting = (name: string): boolean =>
  /^net\.ipv[46]\.(conf|neigh)\./.test(name) || name === 'net.ipv4.ip_forward';

const top = '/proc/sys/net';
/** Interfaces come and go, each with 130 values of its own; the templates `all` and `default` stay. */
const perInterface = /\/ipv[46]\/(conf|neigh)\/(?!all$|default$)[^/]+$/;
const maxNames = 4096;
const maxValueLength = 4096;
const worldReadable = 0o004;
const anybodyWrites = 0o222;
const typeMask = 0o170000;
const typeDirectory = 0o040000;

/**
 * The names that the calling thread's network namespace has. What only root may read is left out: keys
 * (tcp_fastopen_key, stable_secret) and triggers (flush).
 */
export function listSysctls(files: KernelFiles): Reading<readonly SysctlName[]> {
  const names: SysctlName[] = [];
  const walk = (directory: string, prefix: string): Reading<void> =>
    flatMapReading(files.list(directory), entries => {
      for (const entry of [...entries].sort()) {
        const path = `${directory}/${entry}`;
        const name = `${prefix}.${entry}`;
        const status = files.status(path);
        if (!status.present || names.length >= maxNames) continue;
        const { mode } = status.value;
        if ((mode & typeMask) === typeDirectory) {
          if (!perInterface.test(path)) walk(path, name);
        } else if ((mode & worldReadable) !== 0) {
          names.push({ name, writable: (mode & anybodyWrites) !== 0 });
        }
      }
      return present(undefined);
    });
  const walked = walk(top, 'net');
  return walked.present ? present(names) : walked;
}

/** Those of `names` that the calling thread's network namespace has. */
export function readSysctls(files: KernelFiles, names: readonly string[]): Sysctls {
  const values: Record<string, string> = {};
  for (const name of names) {
    const text = files.read(`/proc/sys/${name.replaceAll('.', '/')}`, 'one-record');
    if (text.present) values[name] = text.value.slice(0, maxValueLength).trim().replace(/\s+/g, ' ');
  }
  return values;
}

/** Those of `names` that the network namespace of `pid` has: /proc/sys/net shows the reader's, so it is joined. */
export const readSysctlsOf = (files: KernelFiles, pid: HostPid, names: readonly string[]): Reading<Sysctls> =>
  inNamespace(files, pid, 'net', () => readSysctls(files, names));

/** What a network namespace made now starts with. */
export interface NewNamespace {
  /** Every name in it, read-only ones too: those are the machine's, shown to all. */
  readonly names: readonly string[];
  /** Start values of those that each namespace has for itself: the writable ones. */
  readonly own: Sysctls;
}

/**
 * Makes a network namespace, looks, and leaves it, which is its end: half a millisecond, a loopback device, and
 * nothing else that anybody could see. What the kernel copies from the host shows the host's value; what starts
 * from a built-in default shows that.
 */
export function readNewNamespace(files: KernelFiles): Reading<NewNamespace> {
  if (files.root !== '/')
    return absent(top, 'vanished', 'a stored tree has no kernel to ask; look on the machine itself');
  const reading = inNewNetworkNamespace(() =>
    flatMapReading(listSysctls(files), names => {
      const writable = names.filter(name => name.writable).map(({ name }) => name);
      return present({ names: names.map(({ name }) => name), own: readSysctls(files, writable) });
    }),
  );
  return flatMapReading(reading, inner => inner);
}
