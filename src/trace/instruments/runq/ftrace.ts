import type { Reading } from '../../../linux/reading.ts';
import type { TraceLine } from '../../../linux/trace-instance.ts';
import { hostPid } from '../../../linux/units.ts';
import { openCgroupNames } from '../../cgroup-names.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower, totalOf } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import type { Members } from '../../members.ts';
import { programName } from '../../program-name.ts';
import { addUp } from '../../total.ts';
import { runqResult } from './decode.ts';
import type { RunqResult, Taker } from './result.ts';

/** A thread is put into the queue when it is woken, or when it loses the CPU and could go on. */
export interface Switch {
  readonly runnable: boolean;
  readonly next: number;
}

/** `prev_comm=sh prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm=dd next_pid=9 next_prio=120` */
export function parseSwitch(text: string): Switch | undefined {
  const match = /^prev_comm=.* prev_state=(\S+) ==> next_comm=.* next_pid=(\d+) next_prio=-?\d+$/s.exec(text);
  return match === null ? undefined : { runnable: /^R\+?$/.test(match[1] ?? ''), next: Number(match[2]) };
}

/** `comm=dd pid=9 prio=120 target_cpu=001` */
export const parseWakeup = (text: string): number | undefined => {
  const pid = /^comm=.* pid=(\d+) prio=-?\d+ target_cpu=\d+$/s.exec(text)?.[1];
  return pid === undefined ? undefined : Number(pid);
};

const turnsAtMost = 64;
/** As in runq.bpf.c: shorter waits are the switch itself. */
const worthAskingUs = 20;
const openAtMost = 65_536;

type Party = Pick<Taker, 'pid' | 'name' | 'cgroup' | 'own'>;

/** By the clock of the trace, in whole microseconds; others are told by thread, the container's own by process. */
export function runRunqByFtrace(run: TraceRun<RunqResult>): Promise<Reading<RunqResult>> {
  const queued = new Map<number, number>();
  const turns = new Map<
    number,
    { readonly until: number; readonly thread: number; readonly name: string }[]
  >();
  const parties = new Map<number, Party>();
  const takers = addUp<Party>();
  const waits = countByPower('us');
  const cgroups = openCgroupNames(run.files, 'cpu');
  let waitedUs = 0;
  let longestUs = 0;
  let idleUs = 0;

  const partyOf = (thread: number, name: string, members: Members): Party => {
    const known = parties.get(thread);
    if (known !== undefined) return known;
    const own = members.has(thread);
    const pid = own ? members.processOf(thread) : thread;
    const program = programName(run.files, hostPid(pid), name);
    const party = { pid, name: program, cgroup: cgroups.current(pid) ?? null, own };
    if (parties.size < openAtMost) parties.set(thread, party);
    return party;
  };
  /** Backwards through the turns that this CPU gave since the thread was queued. */
  const shareOut = (cpu: number, since: number, members: Members): void => {
    const all = turns.get(cpu) ?? [];
    for (let index = all.length - 1; index > 0; index -= 1) {
      const turn = all[index];
      const began = all[index - 1]?.until;
      if (turn === undefined || began === undefined || turn.until <= since) return;
      const us = turn.until - Math.max(began, since);
      if (turn.thread === 0) idleUs += us;
      else takers.add(partyOf(turn.thread, turn.name, members), us);
      if (began <= since) return;
    }
  };
  const onSwitch = ({ cpu, task, text, time }: TraceLine, members: Members): void => {
    const change = parseSwitch(text);
    if (change === undefined) return;
    const all = turns.get(cpu) ?? [];
    turns.set(cpu, all);
    all.push({ until: time, thread: task.thread, name: task.name });
    if (all.length > turnsAtMost) all.shift();
    const { runnable, next } = change;
    if (runnable && members.has(task.thread)) queued.set(task.thread, time);
    const since = queued.get(next);
    if (since === undefined) return;
    queued.delete(next);
    const wait = Math.max(0, time - since);
    waits.add(wait);
    waitedUs += wait;
    longestUs = Math.max(longestUs, wait);
    if (wait >= worthAskingUs) shareOut(cpu, since, members);
  };

  return runEvents(run, {
    events: ['sched:sched_switch', 'sched:sched_wakeup', 'sched:sched_wakeup_new'],
    bufferKib: 8192,
    line: (line, _, members) => {
      if (line.event === 'sched_switch') {
        onSwitch(line, members);
        return;
      }
      const woken = parseWakeup(line.text);
      // One that is queued already is not queued again.
      if (woken !== undefined && !queued.has(woken) && queued.size < openAtMost && members.has(woken))
        queued.set(woken, line.time);
    },
    result: base => {
      const histogram = waits.histogram();
      return runqResult(
        { ...base, lost: base.lost + takers.lost() },
        { waits: histogram, count: totalOf(histogram), waitedUs, longestUs, idleUs },
        takers.all().map(({ amount: _, ...taker }) => taker),
      );
    },
  });
}
