import { type BenchRow, benchRow } from './row.ts';
import { describeMachine, writeTables } from './trace-document.ts';
import { type Measured, measure, type Question } from './trace-measure.ts';
import { bpftrace, ours, perf, perfTrace, strace } from './tracers.ts';
import { calls, programs, server, signals, switches, type Workload } from './workloads.ts';

/**
 * What a workload pays for being looked at, in CPU time, by us and by others that answer the same question: storms of one
 * kind of event, which are the worst that can be asked, and a web server. Traced runs alternate with untraced ones.
 */
const runqlat = bpftrace(
  'bpftrace, runqlat',
  `tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args->prev_state == 0) { @queued[args->prev_pid] = nsecs; }
  $since = @queued[args->next_pid];
  if ($since) { @us = hist((nsecs - $since) / 1000); delete(@queued[args->next_pid]); }
}`,
);
const schedEvents = perf('perf record, sched events', '-a', '-e', 'sched:sched_switch,sched:sched_wakeup');
const offcputime = bpftrace(
  'bpftrace, offcputime',
  `tracepoint:sched:sched_switch {
  @left[args->prev_pid] = nsecs;
  if (@left[args->next_pid]) {
    @[args->next_comm, kstack, ustack] = sum(nsecs - @left[args->next_pid]);
    delete(@left[args->next_pid]);
  }
}`,
);
const profile: Question = {
  ours: ours('profile'),
  others: [
    bpftrace('bpftrace, profile at 99 Hz', 'profile:hz:99 { @[kstack, ustack, comm] = count(); }'),
    perf('perf record at 99 Hz', '-a', '-g', '-F', '99', '-e', 'cpu-clock'),
  ],
};
const syscalls: Question = {
  ours: ours('syscalls'),
  dear: true,
  others: [
    bpftrace(
      'bpftrace, syscount',
      'tracepoint:raw_syscalls:sys_enter { @s[tid] = nsecs; } tracepoint:raw_syscalls:sys_exit /@s[tid]/ { @us[comm, args->id] = sum(nsecs - @s[tid]); @n[comm, args->id, args->ret < 0] = count(); delete(@s[tid]); }',
    ),
    perfTrace('perf trace -s'),
    strace('strace -f -c', '-c'),
  ],
};
const dear = (instrument: string): Question => ({ ours: ours(instrument), others: [], dear: true });
const cheap = (instrument: string): Question => ({ ours: ours(instrument), others: [] });

const asked: readonly (readonly [Workload, readonly Question[]])[] = [
  [
    switches,
    [
      // No program at a switch of a CPU keeps to 2 % of this storm, not even an empty one; the server is the bar.
      { ours: ours('runq'), others: [runqlat, schedEvents], dear: true },
      profile,
      dear('throttle'),
      { ours: ours('offcpu'), others: [offcputime], dear: true },
    ],
  ],
  [
    programs,
    [
      {
        ours: ours('exec'),
        others: [
          bpftrace('bpftrace, execsnoop', 'tracepoint:syscalls:sys_enter_execve { join(args->argv); }'),
          strace('strace -f -e execve', '-e trace=execve'),
        ],
      },
      cheap('forks'),
      {
        ours: ours('capabilities'),
        others: [
          bpftrace(
            'bpftrace, cap_capable',
            'tracepoint:capability:cap_capable { @[comm, args->cap, args->ret] = count(); }',
          ),
        ],
        dear: true,
      },
    ],
  ],
  [
    signals,
    [
      {
        // The bar is for programs that do something besides.
        dear: true,
        ours: ours('signals'),
        others: [
          bpftrace(
            'bpftrace, killsnoop',
            'tracepoint:signal:signal_generate { printf("%d %s %d %d\\n", args->sig, args->comm, args->pid, args->result); }',
          ),
          strace('strace -f -e trace=none', '-e trace=none'),
        ],
      },
    ],
  ],
  [calls, [syscalls, cheap('exec'), cheap('signals'), dear('capabilities'), dear('seccomp'), dear('files')]],
  [
    server,
    [
      { ours: ours('runq'), others: [runqlat, schedEvents] },
      profile,
      cheap('throttle'),
      { ours: ours('offcpu'), others: [offcputime], dear: true },
      cheap('exec'),
      cheap('signals'),
      cheap('tcp'),
      cheap('drops'),
      dear('capabilities'),
      dear('seccomp'),
      syscalls,
      dear('files'),
    ],
  ],
];

/** `BENCH_ONLY=server` picks workloads by a part of their names. */
const only = process.env.BENCH_ONLY ?? '';
const measured: Measured[] = [];

export async function bench(): Promise<BenchRow[]> {
  for (const [workload, questions] of asked.filter(([{ name }]) => name.includes(only)))
    measured.push(await measure(workload, questions));
  return measured.flatMap(rowsOf);
}

/** `--write`: the tables of docs/overhead.md. */
export const write = (): void => writeTables(measured, describeMachine());

/** Ours against nobody looking, then against each of the others. */
function rowsOf({ workload, untracedMs, questions }: Measured): readonly BenchRow[] {
  return questions.flatMap(({ own, others, dear: free }) => {
    const row = (name: string, against: number, budget: number): BenchRow => {
      const figures = { ours: own.ratio * untracedMs, reference: against * untracedMs };
      return benchRow({ name, ...figures, budget, unit: 'ms' });
    };
    return [
      row(`${workload}: ${own.name} / untraced`, 1, free ? Number.POSITIVE_INFINITY : 1.02),
      ...others.map(({ name, ratio }) => row(`  / ${name} (${ratio.toFixed(2)} × untraced)`, ratio, 1)),
    ];
  });
}
