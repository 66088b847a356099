import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The project's own directory, where handbooks and lab programs are read from: the nearest one above this
 * file that has package.json, whether it runs as source or as the bundle in dist/.
 */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('package.json is not above the program');
    directory = parent;
  }
  return directory;
}
