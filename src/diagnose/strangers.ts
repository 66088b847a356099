import type { Reading } from '../linux/reading.ts';
import type { CommonFacts, FactsByName } from './facts.ts';
import { sayCount } from './wording.ts';

type MemberFacts = Pick<CommonFacts, 'container'> & {
  readonly [Name in 'memory' | 'pids' | 'processes']: Reading<FactsByName[Name]>;
};

/** unshare(1), and a shell that called it, commonly stay behind in the cgroup of the container they made. */
const launchers = 2;

/**
 * Who else is in the container's memory cgroup, in words; undefined when nobody is. A bare container may sit in the
 * cgroup of a session or of other containers, and neither the log nor the counter tells pid namespaces apart: then
 * a kill may be somebody else's. Counted by the pids controller where it has the same cgroups.
 */
export function sayStrangers({ container, memory, pids, processes }: MemberFacts): string | undefined {
  if (!memory.present) return undefined;
  const { own, shared } = memory.value;
  const countable = pids.present && processes.present && pids.value.own.path === own.path;
  if (!countable || container.engine !== 'bare') return shared ? 'processes of others' : undefined;
  const members = processes.value.reduce((sum, { status }) => sum + status.threads, 0);
  const others = pids.value.own.last.current - members;
  return others > launchers ? `${sayCount(others, 'task')} of others` : undefined;
}
