import type { RuleOf } from '../../../diagnose/case.ts';
import { cpuUsageFile } from '../../../diagnose/cpu-usage.ts';
import { growth } from '../../../diagnose/facts.ts';
import { type Evidence, found, inconclusive, ruledOut, type Severity } from '../../../diagnose/verdict.ts';
import { sayCount, sayTime } from '../../../diagnose/wording.ts';
import { mapReading } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { highestLoad } from './load.ts';
import { childOf, groupWaits, type WaitGroup, type WaitKind } from './waits.ts';

export const rule: RuleOf<typeof definition> = facts => {
  const { processes, freezer } = facts;
  if (freezer.present && freezer.value.own.last.state !== 'thawed')
    return ruledOut({
      claim: 'Frozen (docker pause): shown as D, not counted in the load',
      source: freezer.value.own.directory,
      observed: freezer.value.own.last.state,
    });
  const groups = groupWaits(processes);
  const [first] = groups;
  if (first === undefined) {
    const unseen = processes.find(({ status, scheduler }) => status.state === 'D' && !scheduler.present);
    if (unseen !== undefined && !unseen.scheduler.present && unseen.scheduler.because !== 'vanished')
      return inconclusive(unseen.scheduler);
    return ruledOut(noneEvidence(processes));
  }
  const total = groups.reduce((sum, { tasks }) => sum + tasks.length, 0);
  return found({
    severity: severityOf(groups, total, facts.host.cpus),
    certainty: first.kind === 'unknown' || first.kind === 'lock' ? 'likely' : 'proved',
    summary: summaryOf(first, total, facts),
    evidence: [
      ...groups.slice(0, 5).flatMap(group => describe(group, facts)),
      ...loadEvidence(groups, total, facts),
      ...memoryEvidence(first, facts),
    ],
    excluded: excludedBy(facts, total),
    fixes: fixesFor(first, facts),
  });
};

export type RuleFacts = Parameters<typeof rule>[0];

/** Nothing moves on by itself: somebody has to thaw the file system or to give memory. */
const hopeless: ReadonlySet<WaitKind> = new Set(['frozen-files', 'memory-oom']);
const unanswered: ReadonlySet<WaitKind> = new Set(['network-files', 'fuse']);

function severityOf(groups: readonly WaitGroup[], total: number, cpus: number): Severity {
  if (groups.some(({ kind }) => hopeless.has(kind))) return 'critical';
  if (groups.some(({ kind }) => unanswered.has(kind))) return 'warning';
  return total >= cpus ? 'warning' : 'notice';
}

const waitsFor: Readonly<Record<WaitKind, string>> = {
  'memory-oom': 'memory: their cgroup is at its limit and its OOM killer is switched off',
  'memory-high': 'the kernel to let them on: their cgroup is above memory.high',
  'network-files': 'the server of a network file system',
  fuse: 'the process that serves a FUSE file system',
  'frozen-files': 'a frozen file system to be thawed before they may write to it',
  vfork: 'a child made by vfork, which has neither called exec nor ended',
  disk: 'a disk',
  lock: 'a lock in the kernel that another task holds',
  unknown: 'something in the kernel',
};

function summaryOf({ kind, tasks, channel }: WaitGroup, total: number, { host }: RuleFacts): string {
  const who = `${sayCount(total, 'task')} of this container ${total === 1 ? 'was' : 'were'} in uninterruptible sleep (D) for the whole window`;
  const what = `${total === tasks.length ? '' : `${tasks.length} of them `}for ${waitsFor[kind]}${channel === undefined ? '' : ` (${channel})`}`;
  const load = host.loadAverage.present ? ` (it is ${host.loadAverage.value[0]} now)` : '';
  return `${who}, ${total === tasks.length ? 'waiting ' : ''}${what}. The load average counts each like one that runs: within minutes ${total === 1 ? 'it adds' : 'they add'} ${total} to it${load}, without using a CPU.`;
}

function describe(group: WaitGroup, { processes }: RuleFacts): readonly Evidence[] {
  const { tasks, channel, kind } = group;
  const [{ process, task }] = tasks;
  const evidence: Evidence[] = [
    {
      claim: `${sayCount(tasks.length, 'task')} in D, on no CPU in the window; one is "${task.name}"`,
      source: `/proc/${process.pid}/task/${task.thread}/stat, schedstat, wchan`,
      observed: `D, +0 time slices, ${channel ?? 'not told'}`,
    },
  ];
  if (task.stack.present && task.stack.value.length > 0)
    evidence.push({
      claim: 'Where it sleeps in the kernel, innermost first',
      source: `/proc/${process.pid}/task/${task.thread}/stack`,
      observed: task.stack.value.slice(0, 6).join(' <- '),
    });
  const child = kind === 'vfork' ? childOf(tasks[0], processes) : undefined;
  if (child !== undefined)
    evidence.push({
      claim: `Its child neither called exec nor ended: "${child.status.name}"`,
      source: `/proc/${child.pid}/status PPid, State`,
      observed: `${process.pid}, ${child.status.state}`,
    });
  return evidence;
}

function loadEvidence(groups: readonly WaitGroup[], total: number, facts: RuleFacts): readonly Evidence[] {
  const { loadAverage, cpus } = facts.host;
  if (!loadAverage.present) return [];
  const most = highestLoad(groups, facts);
  return [
    {
      claim: `Load of 1, 5, 15 minutes; up to ${most.toFixed(1)} of the first is theirs`,
      source: '/proc/loadavg',
      observed: `${loadAverage.value.join(' ')}; ${total} in D, ${sayCount(cpus, 'CPU')}`,
    },
  ];
}

function memoryEvidence({ kind }: WaitGroup, { memory }: RuleFacts): readonly Evidence[] {
  if (kind !== 'memory-oom' || !memory.present) return [];
  const { directory, last } = memory.value.own;
  return [
    {
      claim: 'The OOM killer is off, and tasks wait for memory',
      source: `${directory}/memory.oom_control oom_kill_disable, under_oom`,
      observed: `${Number(last.oomKillDisabled)}, ${Number(last.underOom)}`,
    },
  ];
}

function noneEvidence(processes: RuleFacts['processes']): Evidence {
  const passing = processes.filter(({ status }) => status.state === 'D').length;
  return {
    claim:
      passing === 0
        ? 'None of its tasks is in uninterruptible sleep'
        : `${sayCount(passing, 'process', 'processes')} in D for a moment, none for the whole window`,
    source: '/proc/<pid>/task/<tid>/stat, schedstat',
    observed: `${passing} of ${sayCount(processes.length, 'process', 'processes')} in D`,
  };
}

function excludedBy({ cpu, freezer, windowMs }: RuleFacts, total: number): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (cpu.present && !cpu.value.shared) {
    const { own } = cpu.value;
    const used = mapReading(
      growth(own, sample => sample.usage),
      microseconds,
    );
    if (used.present && used.value < windowMs * 1000 * Math.max(1, total) * 0.5)
      evidence.push({
        claim: 'Not its demand for CPU: it used less than it adds to the load',
        source: cpuUsageFile(own),
        observed: `+${sayTime(used.value)} in ${Math.round(windowMs)} ms`,
      });
  }
  if (freezer.present)
    evidence.push({
      claim: 'Not frozen by the freezer: frozen tasks look the same',
      source: freezer.value.own.directory,
      observed: 'thawed',
    });
  return evidence;
}
