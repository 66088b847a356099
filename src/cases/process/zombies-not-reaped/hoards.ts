import type { HostPid } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** The zombies of one parent. */
export interface Hoard {
  readonly parent: HostPid;
  /** Undefined when the parent is not one of the container's processes (a shim, somebody's nsenter). */
  readonly process: ProcessFacts | undefined;
  /** Zombies in both samples. */
  readonly old: readonly ProcessFacts[];
  /** Zombies that were not there, or still ran, in the first sample. */
  readonly fresh: readonly ProcessFacts[];
}

/**
 * Also in state Z is a process whose main thread has ended while other threads go on: it lives, and nobody could
 * reap it (kernel/exit.c, delay_group_leader).
 */
const isZombie = ({ status }: ProcessFacts): boolean => status.state === 'Z' && status.threads <= 1;

/** By parent, the largest first; only parents with a zombie that lasted the whole window. */
export function findHoards(processes: readonly ProcessFacts[]): readonly Hoard[] {
  const byParent = Map.groupBy(processes.filter(isZombie), ({ status }) => status.parent);
  return [...byParent]
    .map(([parent, zombies]) => ({
      parent,
      process: processes.find(({ pid, status }) => pid === parent && status.state !== 'Z'),
      old: zombies.filter(zombie => zombie.zombieInBothSamples),
      fresh: zombies.filter(zombie => !zombie.zombieInBothSamples),
    }))
    .filter(hoard => hoard.old.length > 0)
    .toSorted((a, b) => b.old.length - a.old.length);
}

export const countZombies = (processes: readonly ProcessFacts[]): number => processes.filter(isZombie).length;

/** Tasks that really run or sleep, threads counted as the pids controller counts them. */
export const countLiveThreads = (processes: readonly ProcessFacts[]): number =>
  processes.filter(process => !isZombie(process)).reduce((sum, { status }) => sum + status.threads, 0);
