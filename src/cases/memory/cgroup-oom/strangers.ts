import type { CgroupOomFacts } from './case.ts';

/** unshare(1), and a shell that called it, commonly stay behind in the cgroup of the container they made. */
const launchers = 2;

/**
 * How many tasks of others share the container's memory cgroup. A bare container may sit in the cgroup of a session or
 * of other containers, and the log names the victim's cgroup, not its pid namespace: then a kill may be somebody
 * else's. Counted by the pids controller, where it has the same cgroups; 0 when that cannot be told.
 */
export function countStrangers({ container, memory, pids, processes }: CgroupOomFacts): number {
  if (container.engine !== 'bare' || !memory.present || !pids.present || !processes.present) return 0;
  if (pids.value.own.path !== memory.value.own.path) return 0;
  const own = processes.value.reduce((sum, { status }) => sum + status.threads, 0);
  const others = pids.value.own.last.current - own;
  return others > launchers ? others : 0;
}
