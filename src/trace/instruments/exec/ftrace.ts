import type { KernelFiles } from '../../../linux/files.ts';
import { readCmdline } from '../../../linux/proc/cmdline.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import { hostPid } from '../../../linux/units.ts';
import { runEvents } from '../../ftrace.ts';
import type { TraceRun } from '../../instrument.ts';
import type { Members } from '../../members.ts';
import { createExecTally } from './decode.ts';
import type { ExecResult } from './result.ts';

/**
 * Without eBPF the arguments, the user and the number inside come from /proc a moment later: a program that has ended by
 * then is told by its file alone, and how it ended is not known.
 */
export function runExecByFtrace(run: TraceRun<ExecResult>): Promise<Reading<ExecResult>> {
  const { files } = run;
  const tally = createExecTally();
  return runEvents(run, {
    events: ['sched:sched_process_exec', 'sched:sched_process_exit'],
    line: ({ event, task, text }, at, members) => {
      if (event === 'sched_process_exec') {
        const match = /^filename=(.*) pid=(\d+) old_pid=\d+$/s.exec(text);
        const pid = Number(match?.[2]);
        if (match !== null && members.has(pid)) tally.add(execOf(files, members, pid, at, match[1] ?? ''));
      } else if (members.has(task.thread) && members.processOf(task.thread) === task.thread)
        tally.add({
          kind: 'exit',
          at,
          pid: task.thread,
          inside: members.inside(task.thread),
          name: task.name,
          ended: { kind: 'unknown' },
        });
    },
    result: base => tally.result(base),
  });
}

function execOf(
  files: KernelFiles,
  members: Members,
  pid: number,
  at: number,
  file: string,
): ExecResult['events'][number] {
  const status = readStatus(files, hostPid(pid));
  const parent = status.present ? status.value.parent : null;
  const parentStatus = parent === null ? undefined : readStatus(files, parent);
  return {
    kind: 'exec',
    at,
    pid,
    inside: members.inside(pid),
    parent:
      parent === null
        ? null
        : {
            pid: parent,
            inside: members.inside(parent),
            name: parentStatus?.present === true ? parentStatus.value.name : '?',
          },
    uid: status.present ? status.value.uid.effective : null,
    tty: null,
    file,
    arguments: orElse(readCmdline(files, hostPid(pid)), []),
    argumentsCut: false,
  };
}
