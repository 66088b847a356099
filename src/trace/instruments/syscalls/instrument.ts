import { checkDuration, encodeDuration } from '../../duration.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import { decodeRow, decodeSlow } from './decode.ts';
import type { SlowSyscall, SyscallRow, SyscallsResult } from './result.ts';

export const instrument: Instrument<SyscallsResult> = {
  name: 'syscalls',
  question: 'Which system calls take its time or fail, and whose are they?',
  unit: 'calls',
  kind: 'table',
  cost: 'looks at both ends of every system call, 0.4 microseconds each: empty ones take three times as long',
  dear: true,
  example: 'glassbox trace syscalls web-1 --for 5s --longer 20ms',
  engines: [{ engine: 'ebpf', tracepoints: ['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit'] }],
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

const slowAtMost = 2000;
const rowsAtMost = 500;

async function runSyscalls(run: TraceRun<SyscallsResult>) {
  const { longer } = run.options;
  const startedAt = process.hrtime.bigint();
  const slow: SlowSyscall[] = [];
  return runEbpf(run, {
    object: new URL('./syscalls.bpf.o', import.meta.url),
    attach: ['on_exit', 'on_enter'],
    constants: { settings: encodeDuration(longer ?? '') },
    gather: object => {
      const table = object.map('table');
      return {
        event: bytes => {
          if (slow.length < slowAtMost) slow.push(decodeSlow(bytes, startedAt));
        },
        result: base => {
          const calls = table
            .all()
            .map(decodeRow)
            .sort((one, other) => other.us - one.us);
          const sum = (rows: readonly SyscallRow[]): number =>
            rows.reduce((total, { count }) => total + count, 0);
          return {
            ...base,
            lost: readLost(object),
            total: sum(calls),
            failed: sum(calls.filter(({ error }) => error !== null)),
            calls: calls.slice(0, rowsAtMost),
            slow: [...slow],
          };
        },
      };
    },
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
