import type { KernelFiles } from '../files.ts';
import { mapReading, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * /proc/<pid>/stack: kernel functions, innermost first. `[<0>] kernel_clone+0x1a2/0x3c0`; before 4.15 with the
 * address in place of 0 and a last line without a name; ` [ext4]` names the module.
 */
export function parseStack(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => /^\[<[0-9a-f]*>\] ([^+\s]+)\+0x/.exec(line)?.[1])
    .filter(name => name !== undefined);
}

/** Of one thread. Needs CAP_SYS_ADMIN in the initial user namespace and CONFIG_STACKTRACE. */
export const readStack = (files: KernelFiles, pid: ProcPid, thread: HostPid): Reading<readonly string[]> =>
  mapReading(files.read(`/proc/${pid}/task/${thread}/stack`), parseStack);
