import { outsideId } from '../../../linux/proc/uid_map.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import type { AskedCapability } from '../../../trace/instruments/capabilities/result.ts';

/** A capability that was denied in a call which then failed. */
export interface Refusal {
  readonly row: AskedCapability;
  /**
   * missing: it has not got it. elsewhere: it has it, in a user namespace that does not own what it touches.
   * file-permissions: it is not root, so the owner and mode of a file decided, and the capability was asked as a way around.
   */
  readonly why: 'missing' | 'elsewhere' | 'file-permissions';
  /** Programs are used to this one failing. */
  readonly optional: boolean;
}

const dacOverride = 1;
const dacReadSearch = 2;
const fileOwner = 3;
const aroundPermissions: readonly number[] = [dacOverride, dacReadSearch, fileOwner];

/** Wishes that programs can do without: a niceness, locked memory, a higher limit. */
const wishes: Readonly<Record<number, readonly string[]>> = {
  14: ['mlock', 'mlock2', 'mlockall', 'mmap', 'shmctl'],
  23: ['setpriority', 'sched_setscheduler', 'sched_setparam', 'sched_setattr', 'ioprio_set', 'set_mempolicy'],
  24: ['prlimit64', 'setrlimit'],
};
/** Calls that only ask whether something would be allowed. */
const questions: readonly string[] = ['access', 'faccessat', 'faccessat2'];

export function classify(
  asked: readonly AskedCapability[],
  {
    init,
    isolation,
    processes,
  }: {
    readonly init: ProcessFacts;
    readonly isolation: IsolationFacts;
    readonly processes: Reading<readonly ProcessFacts[]>;
  },
): readonly Refusal[] {
  const root = outsideId(isolation.uidMap, 0);
  const all = [init, ...orElse(processes, [])];
  return asked
    .filter(({ refused }) => refused > 0)
    .map(row => {
      const effective = all.find(({ pid }) => pid === row.pid)?.status.capabilities.effective ?? [];
      return {
        row,
        why:
          row.uid !== root && aroundPermissions.includes(row.capability)
            ? 'file-permissions'
            : !isolation.userNamespaceIsHost && effective.includes(row.capability)
              ? 'elsewhere'
              : 'missing',
        optional: questions.includes(row.call) || wishes[row.capability]?.includes(row.call) === true,
      };
    });
}
