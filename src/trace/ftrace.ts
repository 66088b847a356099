import type { KernelFiles } from '../linux/files.ts';
import { readStatus } from '../linux/proc/status.ts';
import type { Reading } from '../linux/reading.ts';
import {
  openTraceInstance,
  sweepTraceInstances,
  type TraceInstance,
  type TraceInstanceOptions,
  type TraceLine,
} from '../linux/trace-instance.ts';
import { hostPid } from '../linux/units.ts';
import { poll } from './ebpf.ts';
import type { TraceResult, TraceRun } from './instrument.ts';
import { birthEvent, findMembers, type Members } from './members.ts';

/** How one instrument uses ftrace: an instance of its own, read as text. */
export interface FtraceInstrument<Result extends TraceResult> {
  readonly instance: TraceInstanceOptions;
  /** An event; or, where a tracer of the kernel's writes lines of its own, `text`. */
  readonly line?: (line: TraceLine) => void;
  readonly text?: (line: string) => void;
  /** Twice a second. */
  readonly tick?: (instance: TraceInstance) => void;
  readonly result: (base: TraceResult) => Result;
}

/** Events of the kernel's tracepoints, told apart in user space: the text has no namespace. */
export interface EventTrace<Result extends TraceResult> {
  /** `system:name`. */
  readonly events: readonly string[];
  /** Only while a task of the container runs: the kernel leaves out the rest, and there is less to lose. */
  readonly ownTasksOnly?: boolean;
  /** For each CPU. */
  readonly bufferKib?: number;
  /** An event, `at` milliseconds after the start. Births are told, too, when `events` has them. */
  readonly line: (line: TraceLine, at: number, members: Members) => void;
  readonly result: (base: TraceResult, members: Members) => Result;
}

/** The same question by ftrace: who is in the container is found in /proc, and kept up to date by births. */
export function runEvents<Result extends TraceResult>(
  run: TraceRun<Result>,
  { events, ownTasksOnly = false, bufferKib, line: take, result }: EventTrace<Result>,
): Promise<Reading<Result>> {
  const members = findMembers(run.files, run.container, run.target);
  const startedUs = Number(process.hrtime.bigint() / 1000n);
  return runFtrace(run, {
    instance: {
      events: [...new Set([birthEvent, ...events])].map(name => ({ name })),
      ...(ownTasksOnly ? { tasks: members.threads } : {}),
      ...(bufferKib === undefined ? {} : { bufferKib }),
    },
    line: line => {
      const isBirth = line.event === 'task_newtask';
      if (isBirth) members.born(line);
      if (!isBirth || events.includes(birthEvent))
        take(withName(run.files, line), (line.time - startedUs) / 1000, members);
    },
    tick: instance => {
      const newcomers = members.newcomers();
      if (ownTasksOnly) for (const thread of newcomers) instance.follow(thread);
    },
    result: base => result(base, members),
  });
}

/** The kernel remembers the names of 128 tasks for all traces (saved_cmdlines_size); others are `<...>`. */
function withName(files: KernelFiles, line: TraceLine): TraceLine {
  const { name, thread } = line.task;
  if (name !== '<...>') return line;
  const status = readStatus(files, hostPid(thread));
  return status.present ? { ...line, task: { thread, name: status.value.name } } : line;
}

/** As runEbpf, for kernels where eBPF is missing. The instance is swept at the next start after a SIGKILL. */
export async function runFtrace<Result extends TraceResult>(
  run: TraceRun<Result>,
  { instance: options, line, text, tick, result }: FtraceInstrument<Result>,
): Promise<Reading<Result>> {
  sweepTraceInstances(run.files);
  const opened = openTraceInstance(run.files, options);
  if (!opened.present) return opened;
  const instance: TraceInstance = opened.value;
  // Ctrl-C pressed twice, or an exception elsewhere: the instance would stay until the next start.
  const close = (): void => instance.close();
  process.once('exit', close);
  try {
    run.onReady?.();
    const started = performance.now();
    const consume = (): number => {
      if (text !== undefined) return forEach(instance.readText(), text);
      return line === undefined ? 0 : forEach(instance.read(), line);
    };
    const soFar = (ended: TraceResult['ended']): Result =>
      result({
        engine: 'ftrace',
        lost: instance.lost(),
        ended,
        seconds: Math.round(performance.now() - started) / 1000,
      });
    const ended = await poll(run, consume, () => {
      tick?.(instance);
      run.onUpdate?.(soFar('time'));
    });
    consume();
    return { present: true, value: soFar(ended) };
  } finally {
    process.removeListener('exit', close);
    instance.close();
  }
}

function forEach<T>(items: readonly T[], action: (item: T) => void): number {
  for (const item of items) action(item);
  return items.length;
}
