import { parseCpuList } from './cpulist.ts';
import { type KernelFiles, readParsed } from './files.ts';
import type { Reading } from './reading.ts';

/**
 * /sys/devices/system/cpu/possible (Documentation/admin-guide/cputopology.rst): `0-127`. CPUs that may ever come online;
 * the kernel has per-CPU data for each, so whatever adds up such data takes longer the more there are.
 */
export const readPossibleCpus = (files: KernelFiles): Reading<readonly number[]> =>
  readParsed(files, '/sys/devices/system/cpu/possible', parseCpuList);
