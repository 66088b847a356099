import type { RuleOf } from '../../../diagnose/case.ts';
import { levelsOf } from '../../../diagnose/facts.ts';
import { type Room, tightestRoom } from '../../../diagnose/pids-room.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import {
  type Evidence,
  type Fix,
  found,
  inconclusive,
  ruledOut,
  type Severity,
} from '../../../diagnose/verdict.ts';
import { sayCount, saySignalMask } from '../../../diagnose/wording.ts';
import type { HostPid } from '../../../linux/units.ts';
import type { definition } from './case.ts';
import { countLiveThreads, countZombies, findHoards, type Hoard } from './hoards.ts';

const childSignal = 17;

export const rule: RuleOf<typeof definition> = facts => {
  const { processes, container } = facts;
  const hoards = findHoards(processes);
  const [hoard] = hoards;
  if (hoard === undefined) return ruledOut(noneEvidence(processes));
  const frozen = frozenLevel(facts);
  if (frozen !== undefined)
    return inconclusive({
      what: 'whether its parents reap, for they are frozen (docker pause)',
      because: 'disabled',
      remedy: `look again when ${frozen} is thawed`,
    });

  const room = facts.pids.present ? tightestRoom(facts.pids.value) : undefined;
  const total = hoards.reduce((sum, { old, fresh }) => sum + old.length + fresh.length, 0);
  return found({
    severity: severityOf(hoards, total, room),
    certainty: 'proved',
    summary: summaryOf(hoard, total, room, facts),
    evidence: [
      ...hoards.flatMap(describeHoard),
      ...(room === undefined
        ? []
        : [
            {
              claim: `Tasks charged, of ${room.limit}`,
              source: `${room.level.directory}/pids.current`,
              observed: String(room.current),
            },
          ]),
    ],
    excluded: excludedBy(facts, hoard, room),
    fixes: fixesFor(hoard, container.pod !== null),
    trace: 'signals',
  });
};

/**
 * A zombie costs a pid and a task_struct; how bad that is depends on how many more fit. A full cgroup is another
 * problem when zombies are hardly any of what fills it.
 */
function severityOf(hoards: readonly Hoard[], total: number, room: Room | undefined): Severity {
  const share = room === undefined ? 0 : total / room.limit;
  const refuses = room !== undefined && (room.current >= room.limit || room.refused > 0);
  if (refuses && share >= 0.1) return 'critical';
  const grows = hoards.some(({ old, fresh }) => old.length >= 2 && fresh.length > 0);
  return total >= 10 || share >= 0.1 || grows ? 'warning' : 'notice';
}

function summaryOf(
  hoard: Hoard,
  total: number,
  room: Room | undefined,
  { processes, container }: RuleFacts,
): string {
  const live = countLiveThreads(processes);
  const parent = sayParent(hoard, container.init);
  const count = hoard.old.length + hoard.fresh.length;
  const ended = `${sayCount(count, 'ended process has', 'ended processes have')} not been reaped: ${parent} is the parent and ${whyNot(hoard)}.`;
  const others = total > count ? ` ${total - count} more wait for other parents.` : '';
  const cost =
    room === undefined
      ? ' Each keeps its pid.'
      : ` Each keeps its pid: ${room.current} of the ${room.limit} that ${room.level.path} allows are taken, ${sayCount(live, 'thread')} of this container ${live === 1 ? 'is' : 'are'} alive.`;
  const refuses =
    room !== undefined && room.current >= room.limit ? ' Nothing can be started in it any more.' : '';
  return ended + others + cost + refuses;
}

/** A parent that cannot run cannot wait: then it is not its program that is wrong. */
function whyNot({ process }: Hoard): string {
  switch (process?.status.state) {
    case 'T':
    case 't':
      return 'is stopped, so that it cannot call wait()';
    case 'D':
      return 'is stuck in the kernel (state D), so that it cannot call wait()';
    default:
      return 'does not call wait()';
  }
}

/** PID 1 of a container inside the container is just a process of this one. */
function sayParent({ parent, process }: Hoard, init: HostPid | null): string {
  if (process === undefined) return `process ${parent}, which is not in the container,`;
  const inside = process.status.namespacePids.at(-1);
  return parent === init && inside === 1
    ? `PID 1 (${sayProgram(process)})`
    : `process ${parent} (${sayProgram(process)}${inside === undefined ? '' : `, ${inside} inside`})`;
}

function describeHoard(hoard: Hoard): readonly Evidence[] {
  const [zombie] = hoard.old;
  if (zombie === undefined) return [];
  const evidence: Evidence[] = [
    {
      claim: `Zombies in both samples: ${hoard.old.length}, new: ${hoard.fresh.length}, such as`,
      source: `/proc/${zombie.pid}/status`,
      observed: `${zombie.status.name}, ${zombie.status.state}, PPid ${hoard.parent}`,
    },
  ];
  if (hoard.process !== undefined) {
    const { caught, ignored } = hoard.process.status.signals;
    evidence.push({
      claim: caught.includes(childSignal)
        ? 'SIGCHLD (17) handled, these not reaped'
        : 'Parent does not ignore SIGCHLD (17)',
      source: `/proc/${hoard.parent}/status SigIgn`,
      observed: saySignalMask(ignored),
    });
  }
  return evidence;
}

function noneEvidence(processes: Parameters<typeof countZombies>[0]): Evidence {
  const passing = countZombies(processes);
  return {
    claim:
      passing === 0
        ? 'None of its processes is a zombie'
        : `${sayCount(passing, 'zombie')}, none of them in both samples: they are being reaped`,
    source: '/proc/<pid>/status State',
    observed: `${passing} of ${sayCount(processes.length, 'process', 'processes')} in Z`,
  };
}

type RuleFacts = Parameters<typeof rule>[0];

/** Nobody in a frozen cgroup can call wait(): its zombies say nothing of its programs. */
const frozenLevel = ({ freezer }: RuleFacts): string | undefined =>
  freezer.present
    ? levelsOf(freezer.value).find(({ last }) => last.state !== 'thawed')?.directory
    : undefined;

function excludedBy({ freezer }: RuleFacts, hoard: Hoard, room: Room | undefined): readonly Evidence[] {
  const evidence: Evidence[] = [];
  const state = hoard.process?.status.state;
  if (state !== undefined && state !== 'T' && state !== 't' && state !== 'D')
    evidence.push({
      claim: 'The parent is neither stopped nor stuck: it could wait',
      source: `/proc/${hoard.parent}/status State`,
      observed: state,
    });
  if (freezer.present && freezer.value.own.last.state === 'thawed')
    evidence.push({
      claim: 'Not frozen',
      source: freezer.value.own.directory,
      observed: 'thawed',
    });
  if (room !== undefined && room.current < room.limit && room.refused === 0)
    evidence.push({
      claim: 'The pids limit is not reached yet',
      source: `${room.level.directory}/pids.current`,
      observed: `${room.current} of ${room.limit}`,
    });
  return evidence;
}

function fixesFor({ parent, process }: Hoard, isPod: boolean): readonly Fix[] {
  const reapingInit: Fix = {
    action: isPod
      ? 'Put an init such as tini in front of the command, or set shareProcessNamespace: true'
      : 'Start it with an init as PID 1: --init (docker, podman), `init: true` (compose), or tini',
    effect: 'Orphans that end are reaped at once; the restart clears those there are',
    risk: 'An init reaps only what has lost its parent',
  };
  const mend: Fix = {
    action: 'Mend the parent: waitpid() until nothing is left at each SIGCHLD, or ignore SIGCHLD',
    effect: 'A pid is free as soon as the child ends',
    risk: 'Who ignores SIGCHLD learns no exit codes',
  };
  if (process === undefined || process.status.namespacePids.at(-1) === 1) return [reapingInit, mend];
  return [
    mend,
    {
      action: 'Restart the parent alone: its zombies go to PID 1, which must reap them',
      command: `kill -TERM ${parent}`,
      effect: 'They are gone at once when PID 1 reaps',
      risk: 'What the parent does is interrupted; with a PID 1 that does not reap nothing is won',
    },
    reapingInit,
  ];
}
