import type { Reading } from '../../../linux/reading.ts';
import { runEvents } from '../../ftrace.ts';
import type { TraceRun } from '../../instrument.ts';
import { killsAtMost, type SeenKill, withReports } from './decode.ts';
import type { OomResult } from './result.ts';

/** `pid=4711 comm=perl total-vm=…`, in the task that asked for a page; before Linux 6.8 only `pid=4711`. */
export function runOomByFtrace(run: TraceRun<OomResult>): Promise<Reading<OomResult>> {
  const kills: SeenKill[] = [];
  return runEvents(run, {
    events: ['oom:mark_victim'],
    line: ({ task, text }, at, members) => {
      const match = /^pid=(\d+)(?: comm=(.*) total-vm=\d+kB.*)?$/s.exec(text);
      if (match === null) return;
      const pid = members.processOf(Number(match[1]));
      const own = members.has(pid);
      if ((!own && !members.has(task.thread)) || kills.length >= killsAtMost) return;
      const asker = members.processOf(task.thread);
      const victimName = match[2] ?? '';
      // The name in front of a line is of the thread's last switch (kernel/trace/trace_sched_switch.c): maybe before its exec.
      const askerName = asker === pid && victimName !== '' ? victimName : task.name;
      kills.push({
        at,
        victim: { pid, inside: members.inside(pid), name: victimName },
        asker: { pid: asker, inside: members.inside(asker), name: askerName },
        own,
      });
    },
    result: base => ({ ...base, kills: withReports(run.files, kills) }),
  });
}
