import { readCmdline } from '../../../linux/proc/cmdline.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import { hostPid } from '../../../linux/units.ts';
import { runFtrace } from '../../ftrace.ts';
import type { TraceRun } from '../../instrument.ts';
import { birthEvent, findMembers } from '../../members.ts';
import { createExecTally } from './decode.ts';
import type { ExecResult } from './result.ts';

/**
 * Without eBPF the arguments, the user and the number inside come from /proc a moment later: a program that has ended by
 * then is told by its file alone, and how it ended is not known.
 */
export function runExecByFtrace(run: TraceRun<ExecResult>): Promise<Reading<ExecResult>> {
  const { files, container, target } = run;
  const tally = createExecTally();
  const members = findMembers(files, container, target);
  const startedUs = Number(process.hrtime.bigint() / 1000n);
  return runFtrace(run, {
    instance: {
      events: [
        { name: 'sched:sched_process_exec' },
        { name: birthEvent },
        { name: 'sched:sched_process_exit' },
      ],
    },
    line: line => {
      const at = (line.time - startedUs) / 1000;
      if (line.event === 'task_newtask') members.born(line);
      else if (line.event === 'sched_process_exec') {
        const match = /^filename=(.*) pid=(\d+) old_pid=\d+$/s.exec(line.text);
        const pid = Number(match?.[2]);
        if (match === null || !members.has(pid)) return;
        const status = readStatus(files, hostPid(pid));
        const parent = status.present ? status.value.parent : null;
        const parentStatus = parent === null ? undefined : readStatus(files, parent);
        tally.add({
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
          file: match[1] ?? '',
          arguments: orElse(readCmdline(files, hostPid(pid)), []),
          argumentsCut: false,
        });
      } else if (members.has(line.task.thread) && members.isProcess(line.task.thread))
        tally.add({
          kind: 'exit',
          at,
          pid: line.task.thread,
          inside: members.inside(line.task.thread),
          name: line.task.name,
          ended: { kind: 'unknown' },
        });
    },
    result: base => tally.result(base),
  });
}
