import type { Reading } from '../../../linux/reading.ts';
import { syscallName } from '../../../linux/syscalls/names.ts';
import { parseDuration } from '../../duration.ts';
import { runEvents } from '../../ftrace.ts';
import type { TraceRun } from '../../instrument.ts';
import { addUp } from '../../total.ts';
import { errorOf, slowAtMost, syscallsResult } from './decode.ts';
import type { SlowSyscall, SyscallsResult } from './result.ts';

/** Calls that do not come back; the beginnings of others that are kept at most. */
const withoutEnd = new Set(['exit', 'exit_group']);
const openAtMost = 65_536;

/** `NR 0 (3, 7ffd0, 1000, 0, 0, 0)` and `NR 0 = 4096`; in microseconds, as the text has its times. */
export function runSyscallsByFtrace(run: TraceRun<SyscallsResult>): Promise<Reading<SyscallsResult>> {
  const longer = parseDuration(run.options.longer ?? '') ?? Number.POSITIVE_INFINITY;
  const begun = new Map<number, { readonly at: number; readonly number: number; readonly words: string }>();
  const rows = addUp<{ readonly call: string; readonly error: string | null; readonly program: string }>();
  const first = new Map<string, { readonly pid: number; readonly inside: number }>();
  const slow: SlowSyscall[] = [];
  return runEvents(run, {
    events: ['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit'],
    ownTasksOnly: true,
    bufferKib: 8192,
    line: ({ task, text }, at, members) => {
      const [, digits, words, gave] = /^NR (-?\d+) (?:\((.*)\)|= (-?\d+))$/.exec(text) ?? [];
      if (digits === undefined || !members.has(task.thread)) return;
      const number = Number(digits);
      if (words !== undefined) {
        if (begun.size < openAtMost && !withoutEnd.has(syscallName(number)))
          begun.set(task.thread, { at, number, words });
        return;
      }
      const begin = begun.get(task.thread);
      begun.delete(task.thread);
      // Out of a signal handler the registers are those of before: -1 stands where the number was.
      if (begin === undefined || (number !== begin.number && number !== -1)) return;
      const us = Math.round((at - begin.at) * 1000);
      const result = Number(gave);
      const pid = members.processOf(task.thread);
      const party = { pid, inside: members.inside(pid) ?? 0 };
      const outcome = { call: syscallName(begin.number), error: errorOf(result), program: task.name };
      rows.add(outcome, us);
      if (!first.has(JSON.stringify(outcome))) first.set(JSON.stringify(outcome), party);
      if (us >= longer && slow.length < slowAtMost)
        slow.push({
          ...{ at: begin.at, us, result, ...outcome, ...party },
          arguments: begin.words
            .split(', ')
            .slice(0, 3)
            .map(word => `0x${word}`),
        });
    },
    result: base =>
      syscallsResult(
        { ...base, lost: base.lost + rows.lost() },
        rows.all().map(({ amount: _, call, error, program, ...total }) => ({
          ...{ call, error, program, ...total },
          ...(first.get(JSON.stringify({ call, error, program })) ?? nobody),
        })),
        slow,
      ),
  });
}

const nobody = { pid: 0, inside: 0 };
