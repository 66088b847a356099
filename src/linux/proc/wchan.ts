import type { KernelFiles } from '../files.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import type { ProcPid } from './process.ts';

/** /proc/<pid>/wchan: `kernel_clone`, without a newline; `0` when the task runs or the reader may not know. */
export function parseWchan(text: string): string | undefined {
  const name = text.trim();
  return /^[\w.$]+$/.test(name) && name !== '0' ? name : undefined;
}

/** The kernel function the process's first thread sleeps in. */
export const readWchan = (files: KernelFiles, pid: ProcPid): Reading<string> =>
  readWchanAt(files, `/proc/${pid}/wchan`);

export const readThreadWchan = (files: KernelFiles, pid: ProcPid, thread: HostPid): Reading<string> =>
  readWchanAt(files, `/proc/${pid}/task/${thread}/wchan`);

function readWchanAt(files: KernelFiles, path: string): Reading<string> {
  return flatMapReading(files.read(path, 'one-record'), text => {
    const name = parseWchan(text);
    return name === undefined
      ? absent(path, 'not-permitted', 'the task does not sleep, or reading it needs CAP_SYS_PTRACE (root)')
      : present(name);
  });
}
