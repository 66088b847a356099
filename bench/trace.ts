import { openRun } from '../src/lab/bench.ts';
import type { LabBench, LabContainer } from '../src/lab/lab.ts';
import { type BenchRow, benchRow, median } from './row.ts';
import { bpftrace, hasProgram, ours, perf, type Tracer, whileTracing } from './tracers.ts';

/**
 * What a workload pays for being looked at, in CPU time, by us and by others that answer the same question: a program that does
 * nothing but switch from one thread to another, and a web server. Traced runs alternate with untraced ones.
 */
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);

export interface Workload {
  readonly name: string;
  start(bench: LabBench): Promise<LabContainer>;
  /** CPU time of one run in ms, from the rest of the line that it says at its end. */
  readonly time: (words: readonly string[]) => number;
}

export const limits = { cpus: [0], cpuShares: 262_144 };

const switches: Workload = {
  name: '100,000 round trips by pipe',
  start: bench => {
    if (!hasProgram('perf'))
      throw new Error('it needs perf (apt-get install linux-perf): perf bench sched pipe');
    const script = `TIMEFORMAT="%U %S"; echo ready; while read line; do echo "$line $( { time perf bench -f simple sched pipe -l 100000 > /dev/null; } 2>&1 )"; done`;
    return bench.container({
      name: 'switches',
      program: { kind: 'shell', script: `exec bash -c '${script}'` },
      limits,
    });
  },
  time: ([user, system]) => (Number(user) + Number(system)) * 1000,
};

export const server: Workload = {
  name: '3,000 requests to a web server',
  start: bench =>
    bench.container({
      name: 'server',
      program: { kind: 'node', file: new URL('./programs/server.ts', import.meta.url) },
      limits,
    }),
  time: ([microseconds]) => Number(microseconds) / 1000,
};

const runqlat = `
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args->prev_state == 0) { @queued[args->prev_pid] = nsecs; }
  $since = @queued[args->next_pid];
  if ($since) { @us = hist((nsecs - $since) / 1000); delete(@queued[args->next_pid]); }
}`;
const offcputime = `
tracepoint:sched:sched_switch {
  @left[args->prev_pid] = nsecs;
  if (@left[args->next_pid]) {
    @[args->next_comm, kstack, ustack] = sum(nsecs - @left[args->next_pid]);
    delete(@left[args->next_pid]);
  }
}`;

export interface Question {
  readonly ours: Tracer;
  readonly others: readonly Tracer[];
  /** DESIGN §10 allows 2 %; an instrument that takes more says so before it starts, and has no budget. */
  readonly dear?: boolean;
}

const questions: readonly Question[] = [
  {
    ours: ours('runq'),
    others: [
      bpftrace('bpftrace, runqlat', runqlat),
      perf('perf record, sched events', '-a', '-e', 'sched:sched_switch,sched:sched_wakeup'),
    ],
  },
  {
    ours: ours('profile'),
    others: [
      bpftrace('bpftrace, profile at 99 Hz', 'profile:hz:99 { @[kstack, ustack, comm] = count(); }'),
      perf('perf record at 99 Hz', '-a', '-g', '-F', '99', '-e', 'cpu-clock'),
    ],
  },
  { ours: ours('throttle'), others: [] },
  { ours: ours('exec'), others: [] },
  { ours: ours('signals'), others: [] },
  { ours: ours('offcpu'), others: [bpftrace('bpftrace, offcputime', offcputime)], dear: true },
];

export async function bench(): Promise<BenchRow[]> {
  return [...(await measure(switches, questions)), ...(await measure(server, questions))];
}

/** The rows of one workload: each question's instrument against nobody looking, and against the others. */
export async function measure(
  workload: Workload,
  questions: readonly Question[],
): Promise<readonly BenchRow[]> {
  const run = openRun();
  try {
    const container = await workload.start(run.bench);
    await container.line(/^ready$/, 60_000);
    const once = () => oneRun(container, workload);
    await once();
    const usable = questions
      .flatMap(question => [question.ours, ...question.others])
      .filter(({ name }) => !name.startsWith('bpftrace') || hasProgram('bpftrace'));
    const ratios = new Map<Tracer, number[]>(usable.map(tracer => [tracer, []]));
    const alone: number[] = [];
    for (let round = 0; round < rounds; round++)
      for (const tracer of usable) {
        const before = await once();
        const traced = await whileTracing(tracer, container, once);
        const after = await once();
        alone.push(before, after);
        ratios.get(tracer)?.push((2 * traced) / (before + after));
      }
    const reference = median(alone);
    const time = (tracer: Tracer): number => reference * median(ratios.get(tracer) ?? []);
    return questions.flatMap(question => rowsOf(workload, question, reference, time));
  } finally {
    const left = run.close();
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

/** Ours against nobody looking, then against each of the others. */
function rowsOf(
  workload: Workload,
  question: Question,
  reference: number,
  time: (tracer: Tracer) => number,
): readonly BenchRow[] {
  const own = time(question.ours);
  const row = (name: string, against: number, budget: number): BenchRow =>
    benchRow({ name, ours: own, reference: against, budget, unit: 'ms' });
  return [
    row(
      `${workload.name}: ${question.ours.name} / untraced`,
      reference,
      question.dear === true ? Number.POSITIVE_INFINITY : 1.02,
    ),
    ...question.others
      .map(other => ({ name: other.name, against: time(other) }))
      .filter(({ against }) => Number.isFinite(against))
      .map(({ name, against }) =>
        row(`  / ${name} (${(against / reference).toFixed(2)} × untraced)`, against, 1),
      ),
  ];
}

let number = 0;

async function oneRun(container: LabContainer, { time }: Workload): Promise<number> {
  const name = `round-${number++}`;
  container.say(name);
  const line = await container.line(new RegExp(`^${name} [\\d.]+`), 120_000);
  return time(line.split(' ').slice(1));
}
