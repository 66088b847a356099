import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type KernelFiles, openKernelFiles } from '../../src/linux/files.ts';
import type { NamespaceKind } from '../../src/linux/namespaces.ts';

/** A process of a stored tree. Whatever is left out is as the host's init has it. */
export interface StoredProcess {
  readonly pid: number;
  readonly namespaces?: Partial<Record<NamespaceKind, number>>;
  /** `NSpid:` of its status. */
  readonly namespacePids?: readonly number[];
  /** Its one cgroup, of version 2. */
  readonly cgroup?: string;
  readonly environ?: readonly string[];
  readonly startTime?: number;
  /** Names under its root; its root is the host's when left out. */
  readonly root?: readonly string[];
  /** A zombie has no mount namespace and no root. */
  readonly zombie?: boolean;
}

export interface StoredHost extends Disposable {
  readonly files: KernelFiles;
  /** Writes one more file, below the stored root. */
  write(path: string, text: string): void;
  remove(path: string): void;
}

export const hostNamespaces: Readonly<Record<NamespaceKind, number>> = {
  cgroup: 4026531835,
  ipc: 4026531839,
  mnt: 4026531841,
  net: 4026531840,
  pid: 4026531836,
  time: 4026531834,
  user: 4026531837,
  uts: 4026531838,
};

/** A host with cgroup2 alone, pid 1, the reader (pid 99) and the given processes (or those two as given), as a tree of files. */
export function storedHost(processes: readonly StoredProcess[]): StoredHost {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-host-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('proc/stat', 'cpu  1 2 3 4 5 6 7 8 0 0\nbtime 1795435498\nprocesses 1\n');
  write('proc/sys/kernel/hostname', 'host\n');
  const given = new Set(processes.map(({ pid }) => pid));
  const usual = [{ pid: 1 }, { pid: 99 }].filter(({ pid }) => !given.has(pid));
  for (const process of [...usual, ...processes]) plant(root, write, process);
  symlinkSync('99', join(root, 'proc/self'));
  write('proc/99/mountinfo', '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n');
  return {
    files: openKernelFiles(root),
    write,
    remove: path => rmSync(join(root, path), { recursive: true }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function plant(root: string, write: StoredHost['write'], process: StoredProcess): void {
  const { pid, zombie = false, cgroup = '/system.slice', environ = [], startTime = 100 } = process;
  const directory = `proc/${pid}`;
  mkdirSync(join(root, directory, 'ns'), { recursive: true });
  for (const [kind, id] of Object.entries({ ...hostNamespaces, ...process.namespaces })) {
    if (zombie && kind !== 'pid' && kind !== 'user') continue;
    symlinkSync(`${kind}:[${id}]`, join(root, directory, 'ns', kind));
  }
  const own = process.namespacePids ?? [pid];
  write(
    `${directory}/status`,
    `Name:\tsleep\nState:\t${zombie ? 'Z' : 'S'}\nNSpid:\t${own.join('\t')}\nThreads:\t1\n`,
  );
  write(
    `${directory}/stat`,
    `${pid} (sl) eep) ${zombie ? 'Z' : 'S'} 1 ${pid} ${pid} 0 -1 0 1 0 1 0 1 1 0 0 20 0 1 0 ${startTime} 1 1\n`,
  );
  write(`${directory}/cgroup`, `0::${cgroup}\n`);
  write(`${directory}/environ`, environ.map(entry => `${entry}\0`).join(''));
  if (zombie) return;
  if (process.root === undefined) symlinkSync(root, join(root, directory, 'root'));
  else {
    mkdirSync(join(root, directory, 'root'));
    for (const name of process.root) write(`${directory}/root/${name}`, '');
  }
}
