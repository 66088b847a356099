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
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where kernels and images are kept: in the checkout when it can be written, else in the user's cache. */
export function cacheDirectory(project: string): string {
  const chosen = process.env.GLASSBOX_VM_CACHE;
  if (chosen !== undefined && chosen !== '') return chosen;
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

/** A new directory in the cache, which goes with this process at the latest; one left by SIGKILL, with the next an hour later. */
export function makeWorkplace(prefix: string): { readonly directory: string; remove(): void } {
  const parent = dirname(prefix);
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) {
    const other = join(parent, name);
    if (other.startsWith(prefix) && isUnused(other)) rmSync(other, { recursive: true, force: true });
  }
  const directory = mkdtempSync(prefix);
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', remove);
  return { directory, remove };
}

/** Images of the same sort that were made from older files go when nobody has used them for an hour. */
export function removeOld(path: string, pattern: RegExp): void {
  const directory = dirname(path);
  for (const name of readdirSync(directory)) {
    const other = join(directory, name);
    if (pattern.test(name) && other !== path && isUnused(other))
      rmSync(other, { recursive: true, force: true });
  }
}

function isUnused(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 3_600_000;
}

export const shortHash = (text: string | Buffer): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
