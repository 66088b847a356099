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
              claim: `Tasks charged, of which ${total} are zombies; the limit is ${room.limit}`,
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
      claim: `${sayCount(hoard.old.length, 'child was a zombie', 'children were zombies')} in both samples, ${hoard.fresh.length} only in the second; one of them is "${zombie.status.name}"`,
      source: `/proc/${zombie.pid}/status State, PPid`,
      observed: `${zombie.status.state}, ${hoard.parent}`,
    },
  ];
  if (hoard.process !== undefined) {
    const { caught, ignored } = hoard.process.status.signals;
    evidence.push({
      claim: `The parent lives and does not ignore SIGCHLD (17), which would make the kernel reap by itself${caught.includes(childSignal) ? '; it has a handler that does not wait for these' : ''}`,
      source: `/proc/${hoard.parent}/status State, SigIgn`,
      observed: `${hoard.process.status.state}, ${saySignalMask(ignored)}`,
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
        : `${sayCount(passing, 'zombie')} in the second sample, none of them in the first: they are being reaped`,
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
      claim: 'The parent is not stopped and not stuck in the kernel: it could wait and does not',
      source: `/proc/${hoard.parent}/status State`,
      observed: state,
    });
  if (freezer.present && freezer.value.own.last.state === 'thawed')
    evidence.push({
      claim: 'Not frozen: nobody in a frozen cgroup can reap',
      source: freezer.value.own.directory,
      observed: 'thawed',
    });
  if (room !== undefined && room.current < room.limit && room.refused === 0)
    evidence.push({
      claim: 'The pids limit is not reached yet: no fork was refused in the window',
      source: `${room.level.directory}/pids.current`,
      observed: `${room.current} of ${room.limit}`,
    });
  return evidence;
}

function fixesFor({ parent, process }: Hoard, isPod: boolean): readonly Fix[] {
  const reapingInit: Fix = {
    action: isPod
      ? 'Put an init such as tini in front of the command in the image, or set shareProcessNamespace: true on the pod'
      : 'Start it again with an init that reaps as PID 1: docker run --init (podman too), `init: true` in compose, tini anywhere else',
    effect: 'Orphans that end are collected at once; the zombies there are vanish with the restart',
    risk: 'The container must be started again; the init collects only what has lost its parent',
  };
  const mend: Fix = {
    action:
      'Mend the parent: wait for every child (waitpid until nothing is left, on each SIGCHLD), or ignore SIGCHLD',
    effect: 'The kernel frees the pid as soon as a child ends',
    risk: 'With SIGCHLD ignored, the parent no longer learns the exit codes',
  };
  if (process === undefined || process.status.namespacePids.at(-1) === 1) return [reapingInit, mend];
  return [
    mend,
    {
      action: 'Restart the parent alone; its zombies become children of PID 1, which must reap them',
      command: `kill -TERM ${parent}`,
      effect: 'They are gone at once when PID 1 reaps',
      risk: 'What the parent does is interrupted; with a PID 1 that does not reap nothing is won',
    },
    reapingInit,
  ];
}
