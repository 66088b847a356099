import { type KernelFiles, readParsed } from '../../files.ts';
import type { Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/** /proc/sys/fs/inotify/max_user_{instances,watches} (inotify(7)): `128`, for each uid of each user namespace. */
export const readMaxUserInotify = (files: KernelFiles, what: 'instances' | 'watches'): Reading<number> =>
  readParsed(files, `/proc/sys/fs/inotify/max_user_${what}`, text => parseCount(text.trim()), 'one-record');
