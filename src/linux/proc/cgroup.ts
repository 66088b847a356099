import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type CgroupPath, cgroupPath, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * One line of /proc/<pid>/cgroup (cgroups(7)): `4:cpu,cpuacct:/docker/3f2a…`, and for cgroup2 `0::/system.slice`.
 */
export interface ProcCgroup {
  /** As /proc/cgroups numbers them; 0 is cgroup2. */
  readonly hierarchyId: number;
  /** Kernel names: `cpu`, `name=systemd`; empty for cgroup2. */
  readonly controllers: readonly string[];
  /**
   * Relative to the reader's cgroup namespace, untouched: `/../..` forms mean a cgroup outside of it. Colons are
   * part of names; newlines cannot be (mkdir refuses them). For a zombie ` (deleted)` may follow.
   */
  readonly path: CgroupPath;
}

export function parseProcCgroup(text: string): readonly ProcCgroup[] | undefined {
  const entries: ProcCgroup[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^(\d+):([^:]*):(\/.*)$/s.exec(line);
    const hierarchyId = parseCount(match?.[1]);
    if (hierarchyId === undefined || match?.[2] === undefined || match[3] === undefined) return undefined;
    entries.push({
      hierarchyId,
      controllers: match[2] === '' ? [] : match[2].split(','),
      path: cgroupPath(match[3]),
    });
  }
  return entries;
}

export const readProcCgroup = (files: KernelFiles, pid: ProcPid): Reading<readonly ProcCgroup[]> =>
  readParsed(files, `/proc/${pid}/cgroup`, parseProcCgroup, 'one-record');
