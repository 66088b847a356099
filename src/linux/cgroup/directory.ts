import { type Absent, absent, type Reading } from '../reading.ts';
import type { CgroupVersion } from './model.ts';

/** The files of one cgroup in the hierarchy of one controller, whichever way they are read. */
export interface CgroupDirectory {
  readonly directory: string;
  readonly version: CgroupVersion;
  /**
   * The topmost cgroup that is mounted. When it is the hierarchy's own root most files are missing, since nothing
   * limits it; so this is asked after a file was not found.
   */
  readonly isRoot: boolean;
  /** A file by its name: `memory.stat`. `cpuacct.*` is found also where that hierarchy is apart from cpu's. */
  read(name: string): Reading<string>;
  list(): Reading<readonly string[]>;
  /** Gives back what reading it has kept open. It can be read again. */
  close(): void;
}

/**
 * For a file that only some kernels have: its absence in a directory that exists says that the kernel is older.
 * A directory that is gone keeps its own reason.
 */
export function sinceKernel<T>(reading: Reading<T>, since: string): Reading<T> {
  return reading.present || reading.because !== 'vanished' ? reading : tooOld(reading.what, since);
}

const tooOld = (what: string, since: string): Absent => absent(what, 'kernel-too-old', `needs ${since}`);

export const otherVersion = (what: string, version: CgroupVersion): Absent =>
  absent(what, 'disabled', `only cgroup ${version} has it`);

/** For a subtree's total that the kernel does not keep and nobody added up. */
export const notSummed = (directory: string): Absent =>
  absent(
    `the oom_kill counters below ${directory}`,
    'kernel-too-old',
    'cgroup v2 has one counter for them (Linux 5.2); on v1 they are added up for containers of at most 64 cgroups',
  );
