import type { Reading } from '../linux/reading.ts';
import {
  openTraceInstance,
  sweepTraceInstances,
  type TraceInstance,
  type TraceInstanceOptions,
  type TraceLine,
} from '../linux/trace-instance.ts';
import { poll } from './ebpf.ts';
import type { TraceResult, TraceRun } from './instrument.ts';

/** How one instrument uses ftrace: an instance of its own, read as text. */
export interface FtraceInstrument<Result extends TraceResult> {
  readonly instance: TraceInstanceOptions;
  /** An event; or, where a tracer of the kernel's writes lines of its own, `text`. */
  readonly line?: (line: TraceLine) => void;
  readonly text?: (line: string) => void;
  readonly result: (base: TraceResult) => Result;
}

/** As runEbpf, for kernels where eBPF is missing. The instance is swept at the next start after a SIGKILL. */
export async function runFtrace<Result extends TraceResult>(
  run: TraceRun<Result>,
  { instance: options, line, text, result }: FtraceInstrument<Result>,
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
    const ended = await poll(run, consume, () => run.onUpdate?.(soFar('time')));
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
