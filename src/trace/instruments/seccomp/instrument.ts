import { errnoName } from '../../../linux/errno.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import { seccompResult } from './decode.ts';
import type { DeniedCall, SeccompResult } from './result.ts';

export const instrument: Instrument<SeccompResult> = {
  name: 'seccomp',
  question: 'Which system calls does its seccomp filter refuse?',
  unit: 'calls',
  kind: 'table',
  cost: 'looks at both ends of every system call: empty ones take twice as long or more, in other containers too',
  dear: true,
  example: 'glassbox trace seccomp web-1 --for 30s',
  engines: [
    {
      engine: 'ebpf',
      tracepoints: [
        'raw_syscalls:sys_enter',
        'raw_syscalls:sys_exit',
        'signal:signal_generate',
        'sched:sched_process_exit',
      ],
    },
  ],
  oneEngine: 'a refused call is an end without a beginning, and a text that loses one line shows the same',
  run: runSeccomp,
  view,
};

const programs = ['on_enter', 'on_exit', 'on_signal', 'on_end'];

async function runSeccomp(run: TraceRun<SeccompResult>) {
  return runEbpf(run, {
    object: new URL('./seccomp.bpf.o', import.meta.url),
    attach: programs,
    gather: object => {
      const table = object.map('table');
      return { result: base => seccompResult({ ...base, lost: readLost(object) }, table.all()) };
    },
  });
}

const sayAnswer = ({ answer }: DeniedCall): string =>
  answer.kind === 'error' ? errnoName(answer.errno) : answer.kind === 'signal' ? 'SIGSYS' : 'killed';

function view({ denied, errors, signals, killed }: SeccompResult): View {
  if (denied.length === 0)
    return [sentence('No system call was refused by a seccomp filter, or the container has no filter.')];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'COUNT', align: 'right' },
        { title: 'CALL' },
        { title: 'ANSWER' },
        { title: 'PROGRAM' },
        { title: 'PID INSIDE', align: 'right' },
      ],
      rows: denied
        .slice(0, 25)
        .map(row => [String(row.count), row.call, sayAnswer(row), row.program, String(row.inside)]),
    },
    ...(denied.length > 25 ? [sentence(`… ${counted(denied.length - 25, 'more row')}.`)] : []),
    sentence(
      `${counted(errors, 'call')} answered with an error by the filter, ${counted(signals, 'SIGSYS', 'SIGSYS')} sent, ${killed} killed.`,
    ),
  ];
}
