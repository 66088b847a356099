import type { RuleOf } from '../../../diagnose/case.ts';
import { growth } from '../../../diagnose/facts.ts';
import { type Room, tightestRoom } from '../../../diagnose/pids-room.ts';
import { type Evidence, found, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { countTasks, countZombies, findHolders, type Holder } from './holders.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { pids, processes } = facts;
  const room = tightestRoom(pids);
  if (room === undefined) return ruledOut(noLimit(facts));
  const isFull = room.current >= room.limit;
  if (!isFull && room.refused === 0) return ruledOut(...roomLeft(room));
  const zombies = countZombies(processes);
  if (zombies * 2 >= room.current) return ruledOut(theDead(room, zombies));

  const holders = findHolders(processes);
  return found({
    severity: severityOf(facts, room),
    certainty: 'proved',
    summary: summaryOf(facts, room, holders),
    evidence: [
      {
        claim: `Tasks charged; the limit there is ${room.limit}`,
        source: `${room.level.directory}/pids.current`,
        observed: String(room.current),
      },
      {
        claim: 'Forks refused in the window (since it was made)',
        source: `${pids.own.directory}/pids.events max`,
        observed: `+${room.refused} (${room.refusedEver})`,
      },
      ...holders.slice(0, 3).flatMap(holderEvidence),
    ],
    excluded: excludedBy(facts, room, zombies),
    fixes: fixesFor(facts.container, pids, room, holders),
  });
};

/**
 * Refused in the window: it harms now. Full after refusals: the next fork fails as others did. Full and never
 * refused: perhaps sized to fit, but exec and health checks need a place too.
 */
function severityOf({ pids }: RuleFacts, room: Room): Severity {
  if (room.refused > 0) return pids.shared && room.current < room.limit ? 'notice' : 'critical';
  return room.refusedEver > 0 && !pids.shared ? 'critical' : 'warning';
}

function summaryOf({ pids, processes }: RuleFacts, room: Room, holders: readonly Holder[]): string {
  const mine = countTasks(processes);
  const isOwn = room.level === pids.own;
  const who = isOwn
    ? `${room.current} of the ${room.limit} tasks are taken that the container${pids.shared ? "'s cgroup, which it shares with others," : ''} may have`
    : `The cgroup ${room.level.path} above the container has ${room.current} of its ${room.limit} tasks, ${mine} of them in this container`;
  const refused =
    room.refused > 0
      ? `: ${sayCount(room.refused, 'fork or new thread was', 'forks or new threads were')} refused with EAGAIN in this window.`
      : `: the next fork or new thread fails with EAGAIN, and so does exec into it.`;
  const [holder] = holders;
  const most =
    holder === undefined
      ? ''
      : ` Most are held by ${holder.name}: ${sayCount(holder.tasks, 'task')} in ${sayCount(holder.processes.length, 'process', 'processes')}.`;
  const grew = growth(room.level, ({ current }) => ({ present: true, value: current }));
  const rise = grew.present && grew.value > 0 ? ` ${grew.value} of them are new in this window.` : '';
  return `${who}${refused}${most}${rise}`;
}

const holderEvidence = ({ name, processes, tasks }: Holder): readonly Evidence[] => {
  const [one] = processes;
  if (one === undefined) return [];
  return [
    {
      claim: `Tasks of ${name.length > 30 ? `${name.slice(0, 29)}…` : name}, ${sayCount(processes.length, 'process', 'processes')}`,
      source: `/proc/${one.pid}/status Threads${processes.length > 1 ? ', and the others' : ''}`,
      observed: String(tasks),
    },
  ];
};

function excludedBy({ pids, processes }: RuleFacts, room: Room, zombies: number): readonly Evidence[] {
  const mine = countTasks(processes);
  return [
    {
      claim: 'Not ended processes that nobody reaped',
      source: '/proc/<pid>/status State',
      observed: `${zombies} of ${processes.length} in Z`,
    },
    ...(room.level === pids.own
      ? [
          {
            claim: 'Not another level: no cgroup above has fewer places',
            source: 'pids.max, pids.current of each level',
            observed: [pids.own, ...pids.ancestors]
              .map(
                ({ path, last }) =>
                  `${path} ${last.current}/${last.limit.kind === 'max' ? 'max' : last.limit.value}`,
              )
              .join(', '),
          },
        ]
      : [
          {
            claim: 'Not its own limit: the one above is reached first',
            source: `${pids.own.directory}/pids.current, pids.max`,
            observed: `${pids.own.last.current}, ${pids.own.last.limit.kind === 'max' ? 'max' : pids.own.last.limit.value}; ${mine} here`,
          },
        ]),
    ...(room.refused > 0
      ? [
          {
            claim: 'Not RLIMIT_NPROC, nor memory: this counter is for pids.max',
            source: `${pids.own.directory}/pids.events max`,
            observed: `+${room.refused}`,
          },
        ]
      : []),
  ];
}

const noLimit = ({ pids }: RuleFacts): Evidence => ({
  claim: `No pids limit on it, nor on ${sayCount(pids.ancestors.length, 'cgroup')} above`,
  source: `${pids.own.directory}/pids.max`,
  observed: 'max',
});

const roomLeft = ({ level, current, limit, refusedEver }: Room): readonly Evidence[] => [
  {
    claim: `Room for ${sayCount(limit - current, 'more task')} of ${limit}`,
    source: `${level.directory}/pids.current`,
    observed: String(current),
  },
  {
    claim: 'No fork refused in the window (since it was made)',
    source: `${level.directory}/pids.events max`,
    observed: `+0 (${refusedEver})`,
  },
];

const theDead = ({ level, current, limit }: Room, zombies: number): Evidence => ({
  claim: `The limit of ${limit} is full of zombies, not of live tasks`,
  source: `${level.directory}/pids.current; /proc/<pid>/status State`,
  observed: `${current}; ${zombies} in Z`,
});
