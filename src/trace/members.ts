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
  /** The process that a thread belongs to. */
  readonly processOf: (thread: number) => number;
  /** Threads that came in from outside since it was last asked: by setns(2), or into its cgroup. */
  readonly newcomers: () => readonly HostPid[];
  /** The number that the container has for it; null for a stranger and for one that has ended. */
  readonly inside: (process: number) => number | null;
}

export const birthEvent = 'task:task_newtask';

export function findMembers(files: KernelFiles, container: Container, { scope }: Target): Members {
  /** Threads, and the processes that they belong to. */
  const threads = new Map<number, number>();
  /** Looked at, and of another pid namespace: a task keeps its own as long as it lives. */
  const strangers = new Set<number>();
  const numbers = new Map<number, number>();
  const newcomers = (): readonly HostPid[] => {
    const fresh: HostPid[] = [];
    for (const process of groupProcesses(files, [container]).get(container.id) ?? [])
      for (const thread of orElse(listThreads(files, process), [process])) {
        if (!threads.has(thread)) fresh.push(hostPid(thread));
        threads.set(thread, process);
      }
    return fresh;
  };
  const entered = (thread: number): boolean => {
    if (scope.kind !== 'pid-namespace' || strangers.has(thread)) return false;
    const namespace = readNamespace(files, hostPid(thread), 'pid');
    if (namespace.present && namespace.value === scope.namespace) threads.set(thread, thread);
    else if (strangers.size < strangersAtMost) strangers.add(thread);
    return threads.has(thread);
  };
  const has = (thread: number): boolean => threads.has(thread) || entered(thread);
  return {
    threads: newcomers(),
    newcomers,
    has,
    born: ({ task, text }) => {
      const birth = parseBirth(text);
      if (birth === undefined) return;
      strangers.delete(birth.thread);
      if (!has(task.thread)) threads.delete(birth.thread);
      else
        threads.set(birth.thread, birth.isThread ? (threads.get(task.thread) ?? task.thread) : birth.thread);
    },
    processOf: thread => threads.get(thread) ?? thread,
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

/** Pids come again: past this many the namespace is read once more. */
const strangersAtMost = 65_536;
/** include/uapi/linux/sched.h */
const cloneThread = 0x0001_0000;

/** `pid=4711 comm=sh clone_flags=1200000 oom_score_adj=0` */
export function parseBirth(
  text: string,
): { readonly thread: number; readonly isThread: boolean } | undefined {
  const match = /^pid=(\d+) comm=.* clone_flags=([0-9a-f]+) oom_score_adj=-?\d+$/s.exec(text);
  return match === null
    ? undefined
    : { thread: Number(match[1]), isThread: (Number.parseInt(match[2] ?? '0', 16) & cloneThread) !== 0 };
}
