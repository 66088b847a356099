import { checkDuration, encodeDuration } from '../../duration.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import { decodeRow, decodeSlow, slowAtMost, syscallsResult } from './decode.ts';
import { runSyscallsByFtrace } from './ftrace.ts';
import type { SlowSyscall, SyscallRow, SyscallsResult } from './result.ts';

export const instrument: Instrument<SyscallsResult> = {
  name: 'syscalls',
  question: 'Which system calls take its time or fail, and whose are they?',
  unit: 'calls',
  kind: 'table',
  cost: 'looks at both ends of every system call, 0.4 microseconds each: empty ones take three times as long',
  dear: true,
  example: 'glassbox trace syscalls web-1 --for 5s --longer 20ms',
  engines: [
    { engine: 'ebpf', tracepoints: ['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit'] },
    { engine: 'ftrace', tracepoints: ['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit', birthEvent] },
  ],
  options: [
    {
      flags: '--longer <time>',
      describes: 'also tell one by one those that take this long',
      check: checkDuration,
    },
  ],
  run: runSyscalls,
  view,
};

async function runSyscalls(run: TraceRun<SyscallsResult>) {
  if (run.engine === 'ftrace') return runSyscallsByFtrace(run);
  const { longer } = run.options;
  const startedAt = process.hrtime.bigint();
  const slow: SlowSyscall[] = [];
  return runEbpf(run, {
    object: new URL('./syscalls.bpf.o', import.meta.url),
    attach: ['on_exit', 'on_enter'],
    constants: { settings: encodeDuration(longer ?? '') },
    gather: object => ({
      event: bytes => {
        if (slow.length < slowAtMost) slow.push(decodeSlow(bytes, startedAt));
      },
      result: base =>
        syscallsResult({ ...base, lost: readLost(object) }, object.map('table').all().map(decodeRow), slow),
    }),
  });
}

const tableOf = (rows: readonly SyscallRow[]): Block => ({
  kind: 'table',
  columns: [
    { title: 'COUNT', align: 'right' },
    { title: 'CALL', atMost: 20, atLeast: 12 },
    { title: 'ERROR' },
    { title: 'TIME', align: 'right' },
    { title: 'LONGEST', align: 'right' },
    { title: 'PROGRAM' },
  ],
  rows: rows.map(({ count, call, error, us, longestUs, program }) => [
    String(count),
    call,
    error ?? '-',
    sayMicroseconds(us),
    sayMicroseconds(longestUs),
    program,
  ]),
});

function view({ calls, total, failed, slow }: SyscallsResult): View {
  if (total === 0) return [sentence('No system call ended meanwhile: its threads sleep, or only compute.')];
  const failing = calls
    .filter(({ error }) => error !== null)
    .toSorted((one, other) => other.count - one.count)
    .slice(0, 8);
  return [
    sentence('By time, waiting included:'),
    tableOf(calls.slice(0, 12)),
    ...(failing.length === 0 ? [] : [sentence('Failed, the most first:'), tableOf(failing)]),
    ...(slow.length === 0 ? [] : [sentence('One by one:'), tableOfSlow(slow)]),
    sentence(`${counted(total, 'call')}, ${failed} of them failed.`),
  ];
}

const tableOfSlow = (slow: readonly SlowSyscall[]): Block => ({
  kind: 'table',
  columns: [
    { title: 'SECONDS', align: 'right' },
    { title: 'TOOK', align: 'right' },
    { title: 'CALL', atMost: 40, atLeast: 16 },
    { title: 'GAVE', align: 'right' },
    { title: 'PROGRAM' },
  ],
  rows: slow
    .slice(-15)
    .map(({ at, us, call, arguments: words, result, error, program, inside }) => [
      (at / 1000).toFixed(3),
      sayMicroseconds(us),
      `${call}(${words.join(', ')})`,
      error ?? String(result),
      `${program} (${inside})`,
    ]),
});
