import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/** /proc/sys/fs/inotify/max_user_instances (inotify(7)): `128`, for each uid of each user namespace. */
export const readMaxUserInstances = (files: KernelFiles): Reading<number> =>
  readParsed(files, '/proc/sys/fs/inotify/max_user_instances', text => parseCount(text.trim()), 'one-record');
