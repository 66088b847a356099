import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKernelFiles } from '../files.ts';
import { absent, absentFromError, present, type Reading } from '../reading.ts';

/** What came of a change: nothing to tell, or why it was refused and what to do. */
export type Done = Reading<null>;
export const done: Done = present(null);

/** Changes under one root directory; `/` but for tests. Errors are values. */
export interface CgroupWriter {
  /** Writes a cgroup file. */
  write(file: string, value: string): Done;
  /** Makes one directory; one that is there already is fine. */
  make(directory: string): Done;
  read(file: string): Reading<string>;
}

export function openCgroupWriter(root = '/'): CgroupWriter {
  const files = openKernelFiles(root);
  const at = (path: string): string => (root === '/' ? path : join(root, path));
  return {
    read: files.read,
    write: (file, value) => attempt(file, () => writeFileSync(at(file), value, { flag: 'r+' })),
    make: directory =>
      attempt(directory, () => {
        try {
          mkdirSync(at(directory));
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
        }
      }),
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

function attempt(what: string, action: () => void): Done {
  try {
    action();
    return done;
  } catch (error) {
    return explain(what, error);
  }
}

const refusals: Readonly<Record<string, string>> = {
  EINVAL: 'the kernel refuses the value; an ancestor may allow less, or another limit must change first',
  EBUSY: 'the cgroup is in use; end or move its processes first',
  EROFS: 'the cgroup file system is mounted read-only; run on the host, or in a container with it writable',
  ENOSPC:
    'cpuset.cpus and cpuset.mems must be set before a process can enter, or cgroup.max.descendants is reached',
  EACCES: 'run as root, or in a cgroup that is delegated to this user',
};

function explain(what: string, error: unknown): Done {
  const remedy = refusals[codeOf(error) ?? ''];
  return remedy === undefined
    ? absentFromError(what, error)
    : absent(
        what,
        codeOf(error) === 'EACCES' || codeOf(error) === 'EROFS' ? 'not-permitted' : 'unreadable',
        remedy,
      );
}

/** Runs steps until one is refused. */
export function inOrder(...steps: readonly (() => Done)[]): Done {
  for (const step of steps) {
    const outcome = step();
    if (!outcome.present) return outcome;
  }
  return done;
}
