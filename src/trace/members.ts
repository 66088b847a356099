import type { Container } from '../containers/container.ts';
import { groupProcesses } from '../containers/members.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { listThreads } from '../linux/proc/process.ts';
import { readStatus } from '../linux/proc/status.ts';
import { orElse } from '../linux/reading.ts';
import type { TraceLine } from '../linux/trace-instance.ts';
import { type HostPid, hostPid } from '../linux/units.ts';
import type { Target } from './target.ts';

/**
 * Which tasks are the container's, for engines whose kernel side cannot tell: those that are now, whatever they make
 * from then on, and who enters its pid namespace, as far as /proc still knows them when their event is read.
 */
export interface Members {
  /** Those that were there at the start. */
  readonly threads: readonly HostPid[];
  readonly has: (thread: number) => boolean;
  /** Takes the event task:task_newtask. */
  readonly born: (line: TraceLine) => void;
  /** Whether it is a process, or one more thread of one. */
  readonly isProcess: (thread: number) => boolean;
  /** The number that the container has for it; null for a stranger and for one that has ended. */
  readonly inside: (process: number) => number | null;
}

export const birthEvent = 'task:task_newtask';
/** include/uapi/linux/sched.h */
const cloneThread = 0x0001_0000;

export function findMembers(files: KernelFiles, container: Container, { scope }: Target): Members {
  const threads = new Set<number>();
  const moreThreads = new Set<number>();
  const numbers = new Map<number, number>();
  for (const process of groupProcesses(files, [container]).get(container.id) ?? [])
    for (const thread of orElse(listThreads(files, process), [process])) {
      threads.add(thread);
      if (thread !== process) moreThreads.add(thread);
    }
  const entered = (thread: number): boolean => {
    if (scope.kind !== 'pid-namespace') return false;
    const namespace = readNamespace(files, hostPid(thread), 'pid');
    if (!namespace.present || namespace.value !== scope.namespace) return false;
    threads.add(thread);
    return true;
  };
  const has = (thread: number): boolean => threads.has(thread) || entered(thread);
  return {
    threads: [...threads].map(hostPid),
    has,
    born: ({ task, text }) => {
      const match = /^pid=(\d+) comm=.* clone_flags=([0-9a-f]+) /s.exec(text);
      if (match === null || !has(task.thread)) return;
      threads.add(Number(match[1]));
      if ((Number.parseInt(match[2] ?? '0', 16) & cloneThread) !== 0) moreThreads.add(Number(match[1]));
    },
    isProcess: thread => !moreThreads.has(thread),
    inside: process => {
      if (!has(process)) return null;
      const known = numbers.get(process);
      if (known !== undefined) return known;
      const status = readStatus(files, hostPid(process));
      const depth = scope.kind === 'pid-namespace' ? scope.depth : 0;
      const number = status.present ? status.value.namespacePids[depth] : undefined;
      if (number !== undefined) numbers.set(process, number);
      return number ?? null;
    },
  };
}
