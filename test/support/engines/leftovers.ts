import { existsSync, globSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { run, until } from './programs.ts';

/** Unmounts everything below a directory, innermost first: layers and network namespaces of a daemon. */
export async function unmountBelow(directory: string): Promise<void> {
  for (const mountPoint of mountsBelow(directory).reverse()) await run('umount', '--lazy', mountPoint);
}

export const mountsBelow = (directory: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(mountPoint => mountPoint.startsWith(`${directory}/`));

/** The directories of a cgroup, in every hierarchy that has it. */
export const cgroupDirectories = (path: string): string[] =>
  [...globSync('/sys/fs/cgroup/*'), '/sys/fs/cgroup']
    .map(hierarchy => join(hierarchy, path))
    .filter(directory => existsSync(directory));

/** Removes a cgroup and all below it. The kernel lets go of the processes in it a moment after they ended. */
export async function removeCgroups(path: string): Promise<void> {
  await until(`cgroup ${path} is empty`, () => cgroupDirectories(path).every(isRemoved) || undefined, 5000);
}

function isRemoved(directory: string): boolean {
  const children = readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => isRemoved(join(directory, entry.name)));
  if (children.includes(false)) return false;
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') return false;
    if (code === 'ENOENT') return true;
    throw error;
  }
}
