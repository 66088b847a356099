import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Journals, one directory per run. Emptied by a reboot, as everything is that they list except work directories. */
export const journalsDirectory = (): string => join(process.env.GLASSBOX_RUN_DIR ?? '/run/glassbox', 'labs');

/** Work directories of labs: a real disk, so that page cache, write-back and quotas act as they do for users. */
export const stateDirectory = (): string => process.env.GLASSBOX_STATE_DIR ?? '/var/lib/glassbox';

/** The directory with package.json: whether run from the sources or from the bundle. */
export const projectDirectory: string = findProject(dirname(fileURLToPath(import.meta.url)));

function findProject(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error('no package.json above the running program');
  return findProject(parent);
}
