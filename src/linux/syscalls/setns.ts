import { closeSync, constants, openSync } from 'node:fs';
import { hostname } from 'node:os';
import type { KernelFiles } from '../files.ts';
import { absent, absentFromError, flatMapReading, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import { absentFromErrno, type LibC, loadLibC } from './libc.ts';

/**
 * Namespaces that one thread of several may join: setns(2). A mount namespace needs a thread that shares its
 * root and working directory with no other (Node's do), and a user namespace a process with one thread.
 */
export type JoinableNamespace = 'cgroup' | 'ipc' | 'net' | 'uts';

/**
 * Joins a namespace of process `pid`, runs `action` there, and goes back, whatever `action` does. Only the calling
 * thread moves, so `action` must be synchronous: work handed to Node's thread pool stays outside.
 *
 * Needs CAP_SYS_ADMIN, unless the thread is there already. What `action` throws passes through. Should the way back be barred, this throws rather
 * than let the thread go on inside a container.
 */
export function inNamespace<T>(
  files: KernelFiles,
  pid: HostPid,
  kind: JoinableNamespace,
  action: () => T,
): Reading<T> {
  return inNamespaceAt(files, `/proc/${pid}/ns/${kind}`, kind, action);
}

/** The same for a namespace that a mount keeps: a path that shows it, such as /run/netns/NAME. */
export function inNamespaceAt<T>(
  files: KernelFiles,
  path: string,
  kind: JoinableNamespace,
  action: () => T,
): Reading<T> {
  if (files.root !== '/') {
    return absent(path, 'vanished', 'a stored tree has no namespace to join; look on the machine itself');
  }
  // Not /proc/self: in a worker thread that would be the main thread's namespace.
  const here = `/proc/thread-self/ns/${kind}`;
  if (isSameNamespace(files, path, here)) return present(action());
  return flatMapReading(loadLibC(), libc => {
    const home = openNamespace(here);
    if (!home.present) return home;
    try {
      const target = openNamespace(path);
      if (!target.present) return target;
      try {
        return visit(libc, path, () => setnsOf(libc)(target.value, 0), home.value, action);
      } finally {
        closeSync(target.value);
      }
    } finally {
      closeSync(home.value);
    }
  });
}

function isSameNamespace(files: KernelFiles, one: string, other: string): boolean {
  const links = [files.link(one), files.link(other)];
  const [first, second] = links.map(link => (link.present ? link.value : undefined));
  return first !== undefined && first === second;
}

/** Runs `action` in a network namespace made for it, which ends when the thread is home again. As `inNamespace`. */
export function inNewNetworkNamespace<T>(action: () => T): Reading<T> {
  return flatMapReading(loadLibC(), libc => {
    const home = openNamespace('/proc/thread-self/ns/net');
    if (!home.present) return home;
    try {
      const enter = (): number => unshareOf(libc)(cloneNewNet);
      return visit(libc, 'a new network namespace', enter, home.value, action);
    } finally {
      closeSync(home.value);
    }
  });
}

/** The host name that processes in the UTS namespace of `pid` see. Whoever is root in there chose it. */
export const readHostname = (files: KernelFiles, pid: HostPid): Reading<string> =>
  inNamespace(files, pid, 'uts', hostname);

function openNamespace(path: string): Reading<number> {
  try {
    return present(openSync(path, constants.O_RDONLY));
  } catch (error) {
    return absentFromError(path, error);
  }
}

function visit<T>(libc: LibC, path: string, enter: () => number, home: number, action: () => T): Reading<T> {
  if (enter() !== 0) return absentFromErrno(path, libc);
  const goHome = (): void => {
    if (setnsOf(libc)(home, 0) !== 0) throw new Error(`cannot leave ${path}: errno ${libc.koffi.errno()}`);
  };
  try {
    return present(action());
  } finally {
    goHome();
  }
}

type Setns = (descriptor: number, kind: number) => number;
let bound: Setns | undefined;

function setnsOf({ library }: LibC): Setns {
  bound ??= library.func('int setns(int fd, int nstype)') as Setns;
  return bound;
}

/** include/uapi/linux/sched.h */
const cloneNewNet = 0x40000000;

type Unshare = (flags: number) => number;
let boundUnshare: Unshare | undefined;

function unshareOf({ library }: LibC): Unshare {
  boundUnshare ??= library.func('int unshare(int flags)') as Unshare;
  return boundUnshare;
}
