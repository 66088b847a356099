import type { KernelFiles } from '../files.ts';
import { mapReading, type Reading } from '../reading.ts';
import { type HostPid, hostPid, parseCount } from '../units.ts';

/** The processes in a cgroup directory itself, without those of its descendants. */
export const readCgroupProcs = (
  files: Pick<KernelFiles, 'read'>,
  directory: string,
): Reading<readonly HostPid[]> => mapReading(files.read(`${directory}/cgroup.procs`), parseCgroupProcs);

/**
 * cgroup.procs: one process id a line, unsorted, v1 with repetitions. `0` stands for a process of another pid
 * namespace that this reader has no number for.
 */
export function parseCgroupProcs(text: string): readonly HostPid[] {
  const pids = new Set<HostPid>();
  for (const line of text.split('\n')) {
    const pid = parseCount(line);
    if (pid !== undefined && pid > 0) pids.add(hostPid(pid));
  }
  return [...pids];
}
