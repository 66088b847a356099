import type { KernelFiles } from '../files.ts';
import { mapReading, type Reading } from '../reading.ts';
import { type HostPid, hostPid, parseCount } from '../units.ts';

/** /proc/<pid>/task/<tid>/children (CONFIG_PROC_CHILDREN): `4711 4712 `, zombies included. */
export const parseChildren = (text: string): readonly HostPid[] =>
  text.split(' ').flatMap(word => {
    const pid = parseCount(word.trim());
    return pid === undefined ? [] : [hostPid(pid)];
  });

/** Children that the main thread of `pid` started or inherited. */
export const readChildren = (files: KernelFiles, pid: HostPid): Reading<readonly HostPid[]> =>
  mapReading(files.read(`/proc/${pid}/task/${pid}/children`), parseChildren);
