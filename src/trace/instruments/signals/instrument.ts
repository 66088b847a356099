import { saySignal } from '../../../linux/signals.ts';
import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { counted, sentence, type View } from '../../view.ts';
import { createSignalTally, decodeSignal } from './decode.ts';
import { runSignalsByFtrace } from './ftrace.ts';
import type { Party, SignalOutcome, SignalsResult } from './result.ts';

export const instrument: Instrument<SignalsResult> = {
  name: 'signals',
  question: 'Who sends which signal to whom, and does the kernel drop it?',
  unit: 'signals',
  kind: 'stream',
  cost: 'an event for each signal to or from it: 5 to 8 % in a storm of 270,000 signals a second, nothing that can be measured otherwise',
  example: 'glassbox trace signals web-1 --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: ['signal:signal_generate'] },
    { engine: 'ftrace', tracepoints: ['signal:signal_generate', birthEvent] },
  ],
  run: runSignals,
  view,
  events: {
    columns: [
      { title: 'SECONDS', cells: 8, align: 'right' },
      { title: 'SIGNAL', cells: 9 },
      { title: 'OUTCOME', cells: 15 },
      { title: 'FROM', cells: 22 },
      { title: 'TO', cells: 22 },
    ],
    rows: ({ events }, from) =>
      events
        .slice(from)
        .map(({ at, signal, outcome, by, sender, target }) => [
          (at / 1000).toFixed(3),
          saySignal(signal),
          outcome,
          by === 'kernel' ? 'the kernel' : sayParty(sender),
          sayParty(target),
        ]),
  },
};

async function runSignals(run: TraceRun<SignalsResult>) {
  if (run.engine === 'ftrace') return runSignalsByFtrace(run);
  const tally = createSignalTally();
  // Of the clock that bpf_ktime_get_ns() reads, CLOCK_MONOTONIC.
  const startedAt = process.hrtime.bigint();
  return runEbpf(run, {
    object: new URL('./signals.bpf.o', import.meta.url),
    attach: ['on_signal'],
    gather: () => ({
      event: bytes => tally.add(decodeSignal(bytes, startedAt)),
      result: base => tally.result(base),
    }),
  });
}

/** `sh (1)`; a process of the host by its host pid. */
const sayParty = ({ name, inside, pid }: Party): string =>
  inside === null ? `${name} (host ${pid})` : `${name} (${inside})`;

const meaning: Readonly<Record<SignalOutcome, string>> = {
  queued: 'taken',
  ignored: 'dropped: the target ignores it, or is a PID 1 without a handler for it',
  'already-pending': 'merged with one that was pending: the target has it blocked, or is slow',
  'queue-full': 'lost: the queue of pending signals is full (ulimit -i)',
  'info-lost': 'taken, but who sent it was lost: the queue is full (ulimit -i)',
};

function view({ total, byOutcome, table }: SignalsResult): View {
  if (total === 0) return [sentence('No signal was sent to or from a process of the container.')];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'COUNT', align: 'right' },
        { title: 'SIGNAL' },
        { title: 'OUTCOME' },
        { title: 'FROM', atMost: 24, atLeast: 12 },
        { title: 'TO', atMost: 24, atLeast: 12 },
      ],
      rows: table
        .slice(0, 20)
        .map(({ count, signal, outcome, sender, target }) => [
          String(count),
          saySignal(signal),
          outcome,
          sender,
          sayParty(target),
        ]),
    },
    ...(table.length > 20 ? [sentence(`… ${counted(table.length - 20, 'more row')}.`)] : []),
    sentence(
      `${counted(total, 'signal')}: ${Object.entries(byOutcome)
        .map(([outcome, count]) => `${count} ${meaning[outcome as SignalOutcome]}`)
        .join('; ')}.`,
    ),
  ];
}
