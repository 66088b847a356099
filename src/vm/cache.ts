import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir, hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** Where kernels and images are kept: in the checkout when it can be written, else in the user's cache. */
export function cacheDirectory(project: string): string {
  const chosen = process.env.GLASSBOX_VM_CACHE;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  if (isWritable(project)) return join(project, '.vm-cache');
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'glassbox', 'vm');
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The path of something that is made once and then kept. `make` builds it under another name beside it, so that
 * what is there is always whole, also with two at work on it or after a kill.
 */
export async function keep(path: string, make: (unfinished: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  const workplace = makeWorkplace(`${path}.making-`);
  try {
    const unfinished = join(workplace.directory, 'it');
    await make(unfinished);
    if (!existsSync(path)) renameSync(unfinished, path);
  } catch (error) {
    // Somebody else was faster: theirs is as good.
    if (!existsSync(path)) throw error;
  } finally {
    workplace.remove();
  }
  return path;
}

/** A new directory in the cache, which goes with this process at the latest; one left by SIGKILL, with the next. */
export function makeWorkplace(prefix: string): { readonly directory: string; remove(): void } {
  const parent = makeDirectory(dirname(prefix));
  for (const name of readdirSync(parent)) {
    const other = join(parent, name);
    if (other.startsWith(prefix) && isAbandoned(other)) removeTree(other);
  }
  const directory = mkdtempSync(`${prefix}${machine}-${process.pid}-`);
  const remove = (): void => {
    process.off('exit', remove);
    removeTree(directory);
  };
  process.on('exit', remove);
  return { directory, remove };
}

/** What was killed a moment ago may still put a last file into it: then once more. */
const removeTree = (path: string): void =>
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });

/** Its owner is in its name, on this machine; elsewhere (a cache on a shared disk) there is only its age. */
const machine = shortHash(hostname());
const ownerOf = new RegExp(`-${machine}-(\\d+)-[^-]+$`);

function isAbandoned(workplace: string): boolean {
  const owner = ownerOf.exec(basename(workplace))?.[1];
  return owner === undefined ? isUnused(workplace) : !isRunning(Number(owner));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** With those above it. Not by mkdirSync's `recursive`, which never ends where nothing can be made and nothing is missing: below /proc. */
export function makeDirectory(path: string): string {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) {
      makeDirectory(dirname(path));
      mkdirSync(path);
    } else if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
  return path;
}

/** Images of the same sort that were made from older files go when nobody has used them for an hour. */
export function removeOld(path: string, pattern: RegExp): void {
  const directory = dirname(path);
  for (const name of readdirSync(directory)) {
    const other = join(directory, name);
    if (pattern.test(name) && other !== path && isUnused(other)) removeTree(other);
  }
}

function isUnused(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 3_600_000;
}

export function shortHash(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
