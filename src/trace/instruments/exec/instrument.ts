import { saySignal } from '../../../linux/signals.ts';
import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { counted, sentence, type View } from '../../view.ts';
import { createExecTally, decodeEvent } from './decode.ts';
import { runExecByFtrace } from './ftrace.ts';
import type { ExecResult, ExitEvent } from './result.ts';

export const instrument: Instrument<ExecResult> = {
  name: 'exec',
  question: 'Which programs are started in it, by whom, with which arguments, and how do they end?',
  unit: 'programs',
  kind: 'stream',
  cost: 'an event for each program started or ended: about 1 % where programs are started all the time',
  example: 'glassbox trace exec web-1 --for 30s',
  engines: [
    { engine: 'ebpf', tracepoints: ['sched:sched_process_exec', 'sched:sched_process_exit'] },
    {
      engine: 'ftrace',
      tracepoints: ['sched:sched_process_exec', 'sched:sched_process_exit', birthEvent],
    },
  ],
  run: runExec,
  view,
  events: {
    columns: [
      { title: 'SECONDS', cells: 8, align: 'right' },
      { title: 'PID', cells: 7, align: 'right' },
      { title: 'PARENT', cells: 16 },
      { title: 'UID', cells: 6, align: 'right' },
      { title: 'TTY', cells: 5 },
      { title: 'PROGRAM', cells: 30 },
    ],
    rows: ({ events }, from) => events.slice(from).map(sayEvent),
  },
};

async function runExec(run: TraceRun<ExecResult>) {
  if (run.engine === 'ftrace') return runExecByFtrace(run);
  const tally = createExecTally();
  const startedAt = process.hrtime.bigint();
  return runEbpf(run, {
    object: new URL('./exec.bpf.o', import.meta.url),
    attach: ['on_exec', 'on_exit'],
    gather: () => ({
      event: bytes => tally.add(decodeEvent(bytes, startedAt)),
      result: base => tally.result(base),
    }),
  });
}

function sayEvent(event: ExecResult['events'][number]): readonly string[] {
  const at = (event.at / 1000).toFixed(3);
  const number = event.inside === null ? '?' : String(event.inside);
  if (event.kind === 'exit') return [at, number, '', '', '', `${event.name} ended${sayEnd(event.ended)}`];
  const { parent, uid } = event;
  return [
    at,
    number,
    parent === null
      ? '?'
      : parent.inside === null
        ? `${parent.name} (host)`
        : `${parent.name} (${parent.inside})`,
    uid === null ? '?' : String(uid),
    event.tty ?? '-',
    sayCommand(event.file, event.arguments, event.argumentsCut),
  ];
}

function sayEnd(ended: ExitEvent['ended']): string {
  if (ended.kind === 'unknown') return '';
  return ended.kind === 'exit' ? `: exit ${ended.code}` : `: ${saySignal(ended.signal)}`;
}

/** argv[0] may be anything; the file is what ran, and is told where they differ. */
function sayCommand(file: string, words: readonly string[], cut: boolean): string {
  const [first = file, ...rest] = words;
  const program = first === file || file.endsWith(`/${first}`) ? first : `${file} as ${first}`;
  return [program, ...rest, ...(cut ? ['…'] : [])].join(' ');
}

function view({ execs, exits, programs }: ExecResult): View {
  if (execs === 0 && exits === 0) return [sentence('No program was started and no process ended.')];
  return [
    {
      kind: 'table',
      columns: [{ title: 'COUNT', align: 'right' }, { title: 'PROGRAM' }],
      rows: programs.slice(0, 15).map(({ file, count }) => [String(count), file]),
    },
    sentence(`${counted(execs, 'program')} started, ${counted(exits, 'process', 'processes')} ended.`),
  ];
}
