import type { LabBench, LabContainer } from '../src/lab/lab.ts';
import type { BenchRow } from './row.ts';
import { limits, measure, type Question, server, type Workload } from './trace.ts';
import { bpftrace, hasProgram, ours, strace, type Tracer } from './tracers.ts';

/**
 * What storms of single events pay for being looked at: programs started one after the other, signals, empty system calls.
 * These are the worst that can be asked of an instrument; bench/trace.ts has a web server.
 */
const storm = (name: string, command: string): Workload => ({
  name,
  start: (bench: LabBench): Promise<LabContainer> => {
    const script = `TIMEFORMAT="%U %S"; echo ready; while read line; do echo "$line $( { time ${command} > /dev/null 2>&1; } 2>&1 )"; done`;
    return bench.container({
      name: 'storm',
      program: { kind: 'shell', script: `exec bash -c '${script}'` },
      limits,
    });
  },
  time: ([user, system]) => (Number(user) + Number(system)) * 1000,
});

const programs = storm('400 programs', 'for n in {1..400}; do /bin/true; done');
const signals = storm('50,000 signals', `perl -e "\\$SIG{USR1} = sub {}; kill USR1, \\$\\$ for 1 .. 50000"`);
const calls = storm('400,000 system calls of a byte', 'dd if=/dev/zero of=/dev/null bs=1 count=200000');

const ifThere = (program: string, tracer: Tracer): readonly Tracer[] => (hasProgram(program) ? [tracer] : []);

const asked: readonly (readonly [Workload, readonly Question[]])[] = [
  [
    programs,
    [
      {
        ours: ours('exec'),
        others: [
          bpftrace('bpftrace, execsnoop', 'tracepoint:syscalls:sys_enter_execve { join(args->argv); }'),
          ...ifThere('strace', strace('strace -f -e execve', '-e trace=execve')),
        ],
      },
      { ours: ours('forks'), others: [] },
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
        // DESIGN's bar is for programs that do something besides.
        dear: true,
        ours: ours('signals'),
        others: [
          bpftrace(
            'bpftrace, killsnoop',
            'tracepoint:signal:signal_generate { printf("%d %s %d %d\\n", args->sig, args->comm, args->pid, args->result); }',
          ),
          ...ifThere('strace', strace('strace -f -e signal', '-e trace=none')),
        ],
      },
    ],
  ],
  [
    calls,
    [
      { ours: ours('signals'), others: [] },
      { ours: ours('exec'), others: [] },
      { ours: ours('capabilities'), others: [], dear: true },
      { ours: ours('seccomp'), others: [], dear: true },
      {
        ours: ours('syscalls'),
        others: [
          bpftrace(
            'bpftrace, syscount',
            'tracepoint:raw_syscalls:sys_enter { @s[tid] = nsecs; } tracepoint:raw_syscalls:sys_exit /@s[tid]/ { @us[comm, args->id] = sum(nsecs - @s[tid]); @n[comm, args->id, args->ret < 0] = count(); delete(@s[tid]); }',
          ),
          ...ifThere('strace', strace('strace -f -c', '-c')),
        ],
        dear: true,
      },
      { ours: ours('files'), others: [], dear: true },
    ],
  ],
  [
    server,
    [
      { ours: ours('tcp'), others: [] },
      { ours: ours('drops'), others: [] },
      { ours: ours('capabilities'), others: [], dear: true },
      { ours: ours('seccomp'), others: [], dear: true },
      {
        ours: ours('syscalls'),
        others: [...ifThere('strace', strace('strace -f -c', '-c'))],
        dear: true,
      },
      { ours: ours('files'), others: [], dear: true },
    ],
  ],
];

/** `BENCH_ONLY=server` picks workloads by a part of their names. */
const only = process.env.BENCH_ONLY ?? '';

export async function bench(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [workload, questions] of asked.filter(([{ name }]) => name.includes(only)))
    rows.push(...(await measure(workload, questions)));
  return rows;
}
