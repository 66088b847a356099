import type { RuleOf } from '../../../diagnose/case.ts';
import { tightestRoom } from '../../../diagnose/pids-room.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { UidCount, UidUsage } from '../../../observe/uid-usage.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

type RuleFacts = Parameters<typeof rule>[0];

/** One of the two limits, for one uid of the container. */
export interface Used extends UidCount {
  readonly kind: 'tasks' | 'inotify';
  readonly uid: number;
  /** Of the container and of all others. */
  readonly total: number;
  /** Whose limit was compared; null for a host-wide one. */
  readonly process: number | null;
}

export const rule: RuleOf<typeof definition> = facts => {
  const all = facts.uidUsage.flatMap(usedOf);
  const full = all.filter(isFull);
  const shared = full.filter(({ others }) => others.length > 0);
  if (shared.length === 0) return ruledOut(...(all.length === 0 ? [nothingCounted] : all.map(roomEvidence)));
  // Who holds no inotify instance may never ask for one: what it would meet is worth knowing, no more.
  const hurts = shared.some(({ own }) => own > 0);
  return found({
    severity: hurts ? 'warning' : 'notice',
    certainty: 'proved',
    summary: shared.map(sentence).join(' '),
    evidence: shared.flatMap(evidenceOf),
    excluded: [...all.filter(used => !isFull(used)).map(roomEvidence), ...pidsEvidence(facts)],
    fixes: fixesFor(facts.container, shared),
  });
};

function usedOf({ uid, tasks, inotify }: UidUsage): readonly Used[] {
  const total = ({ own, others }: UidCount): number => others.reduce((sum, { count }) => sum + count, own);
  return [
    ...(tasks === undefined ? [] : [{ ...tasks, kind: 'tasks' as const, uid, total: total(tasks) }]),
    ...(inotify === undefined
      ? []
      : [{ ...inotify, kind: 'inotify' as const, uid, total: total(inotify), process: null }]),
  ];
}

/** The next one is refused: the kernel lets a uid have as many as the limit says, and not one more. */
const isFull = ({ limit, total }: Used): boolean => limit.kind === 'limit' && total >= limit.value;

const sayLimit = ({ limit }: Used): string => (limit.kind === 'max' ? 'unlimited' : `${limit.value}`);
const sayHolder = (container: string | null): string => container ?? 'processes of the host';

/** As many as fit into a sentence; the evidence has more. */
const named = 3;

function sayOthers({ others }: Used, most: number): string {
  const said = others.slice(0, most).map(({ container, count }) => `${sayHolder(container)} ${count}`);
  const more = others.length - said.length;
  return [...said, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function sentence(used: Used): string {
  const held = `${used.own} of them are its own; the others: ${sayOthers(used, named)}.`;
  return used.kind === 'tasks'
    ? `uid ${used.uid} may have ${sayLimit(used)} tasks (RLIMIT_NPROC), and has ${used.total} in all containers together: a fork fails with EAGAIN. ${held}`
    : `uid ${used.uid} may have ${sayLimit(used)} inotify instances, and has ${used.total} in all containers together: inotify_init fails with EMFILE ("too many open files"). ${held}`;
}

const whatOf = ({ kind, uid }: Used): string =>
  kind === 'tasks' ? `tasks of uid ${uid}` : `inotify instances of uid ${uid}`;

const limitSource = ({ process }: Used): string =>
  process === null ? '/proc/sys/fs/inotify/max_user_instances' : `/proc/${process}/limits Max processes`;

const countSource = ({ kind }: Used): string =>
  kind === 'tasks' ? '/proc/*/status Uid, Threads' : '/proc/*/fd, anon_inode:inotify';

const evidenceOf = (used: Used): readonly Evidence[] => [
  { claim: `Limit of ${whatOf(used)}`, source: limitSource(used), observed: sayLimit(used) },
  {
    claim: 'There are, in this user namespace',
    source: countSource(used),
    observed: `${used.total}: its own ${used.own}, ${sayOthers(used, 8)}`,
  },
];

const roomEvidence = (used: Used): Evidence => ({
  claim: isFull(used)
    ? `All ${whatOf(used)} are its own`
    : `Room for ${used.kind === 'tasks' ? 'tasks' : 'inotify instances'} of uid ${used.uid}`,
  source: limitSource(used),
  observed: `${used.total} of ${sayLimit(used)}, its own ${used.own}`,
});

const nothingCounted: Evidence = {
  claim: 'Root of the host alone: no limit of a uid binds it',
  source: '/proc/*/status Uid',
  observed: '0',
};

function pidsEvidence({ pids }: RuleFacts): readonly Evidence[] {
  const room = pids.present ? tightestRoom(pids.value) : undefined;
  if (room === undefined || room.current >= room.limit) return [];
  return [
    {
      claim: `Not its pids cgroup: room for ${sayCount(room.limit - room.current, 'task')}`,
      source: `${room.level.directory}/pids.max`,
      observed: `${room.current} of ${room.limit}`,
    },
  ];
}
