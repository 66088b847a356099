import type { KernelFiles } from '../files.ts';
import { flatMapReading, mapReading, parsed, type Reading } from '../reading.ts';
import { type HostPid, hostPid, parseCount } from '../units.ts';

/** How a file below /proc/<pid> is asked for. */
export type ProcPid = HostPid | 'self';

const numericNames = (names: readonly string[]): HostPid[] =>
  names
    .map(name => parseCount(name))
    .filter(pid => pid !== undefined)
    .sort((a, b) => a - b)
    .map(hostPid);

/** All processes (thread group leaders) of the reader's pid namespace, ascending. */
export const listProcesses = (files: KernelFiles): Reading<readonly HostPid[]> =>
  mapReading(files.list('/proc'), numericNames);

/** The threads of a process, ascending; the first is not always the leader's. */
export const listThreads = (files: KernelFiles, pid: ProcPid): Reading<readonly HostPid[]> =>
  mapReading(files.list(`/proc/${pid}/task`), numericNames);

/** The reader's own pid, from the link /proc/self. */
export const readOwnPid = (files: KernelFiles): Reading<HostPid> =>
  flatMapReading(files.link('/proc/self'), text => {
    const pid = parseCount(text);
    return parsed('/proc/self', pid === undefined ? undefined : hostPid(pid));
  });
