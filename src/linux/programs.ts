import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** sbin too: it is not in the PATH of every root shell (su without -). */
export function hasProgram(name: string): boolean {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return directories.some(directory => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
