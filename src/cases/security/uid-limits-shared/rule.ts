import type { RuleOf } from '../../../diagnose/case.ts';
import { tightestRoom } from '../../../diagnose/pids-room.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { UidCount, UidUsage } from '../../../observe/uid-usage.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

type RuleFacts = Parameters<typeof rule>[0];

type Kind = 'tasks' | 'inotify' | 'watches';

const kinds: Readonly<
  Record<
    Kind,
    { readonly what: string; readonly fails: string; readonly limit: string; readonly count: string }
  >
> = {
  tasks: {
    what: 'tasks',
    fails: 'a fork fails with EAGAIN',
    limit: 'Max processes',
    count: '/proc/*/status Uid, Threads',
  },
  inotify: {
    what: 'inotify instances',
    fails: 'inotify_init fails with EMFILE ("too many open files")',
    limit: '/proc/sys/fs/inotify/max_user_instances',
    count: '/proc/*/fd, anon_inode:inotify',
  },
  watches: {
    what: 'inotify watches',
    fails: 'inotify_add_watch fails with ENOSPC ("no space left on device")',
    limit: '/proc/sys/fs/inotify/max_user_watches',
    count: '/proc/*/fdinfo, lines "inotify wd:"',
  },
};

/** One of the limits, for one uid of the container. */
export interface Used extends UidCount {
  readonly kind: Kind;
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

function usedOf({ uid, tasks, inotify, watches }: UidUsage): readonly Used[] {
  const used = (kind: Kind, count: UidCount | undefined, process: number | null = null): readonly Used[] =>
    count === undefined
      ? []
      : [
          {
            ...count,
            kind,
            uid,
            total: count.others.reduce((sum, each) => sum + each.count, count.own),
            process,
          },
        ];
  return [...used('tasks', tasks, tasks?.process), ...used('inotify', inotify), ...used('watches', watches)];
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
  const { what, fails } = kinds[used.kind];
  const limit = used.kind === 'tasks' ? ' (RLIMIT_NPROC)' : '';
  return `uid ${used.uid} may have ${sayLimit(used)} ${what}${limit}, and has ${used.total} in all containers together: ${fails}. ${used.own} of them are its own; the others: ${sayOthers(used, named)}.`;
}

const whatOf = ({ kind, uid }: Used): string => `${kinds[kind].what} of uid ${uid}`;

const limitSource = ({ kind, process }: Used): string =>
  process === null ? kinds[kind].limit : `/proc/${process}/limits ${kinds[kind].limit}`;

const evidenceOf = (used: Used): readonly Evidence[] => [
  { claim: `Limit of ${whatOf(used)}`, source: limitSource(used), observed: sayLimit(used) },
  {
    claim: 'There are, in this user namespace',
    source: kinds[used.kind].count,
    observed: `${used.total}: its own ${used.own}, ${sayOthers(used, 8)}`,
  },
];

const roomEvidence = (used: Used): Evidence => ({
  claim: isFull(used) ? `All ${whatOf(used)} are its own` : `Room for ${whatOf(used)}`,
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
