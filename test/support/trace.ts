import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import type { Reading } from '../../src/linux/reading.ts';
import { findEngine } from '../../src/trace/available.ts';
import { loadInstrument } from '../../src/trace/index.ts';
import type { EngineName } from '../../src/trace/instrument.ts';
import type { InstrumentName, TracedResults } from '../../src/trace/results.ts';
import { runInstrument } from '../../src/trace/run.ts';
import { findTarget } from '../../src/trace/target.ts';

const files = openKernelFiles();

/** Why an engine cannot run an instrument here, for the name of a skipped test; undefined when it can. */
export async function cannotTrace(name: InstrumentName, engine?: EngineName): Promise<string | undefined> {
  const reading = findEngine(files, await loadInstrument(name), engine);
  return reading.present ? undefined : `${reading.what}: ${reading.remedy}`;
}

export const whatIs = <T>(reading: Reading<T>): T => {
  if (reading.present) return reading.value;
  throw new Error(`${reading.what} (${reading.because}): ${reading.remedy}`);
};

export interface TraceWish {
  readonly engine?: EngineName;
  readonly options?: Readonly<Record<string, string>>;
  /** With what the container's engine is found. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What an instrument saw of a container while `action` went on: attached before it begins, stopped when it is over. */
export async function traceDuring<Name extends InstrumentName>(
  name: Name,
  selector: string,
  action: () => Promise<unknown>,
  { engine: wanted, options = {}, environment = {} }: TraceWish = {},
): Promise<TracedResults[Name]> {
  const { containers } = await discoverContainers(files, { environment });
  const selection = selectContainers(files, containers, selector);
  if (selection.kind !== 'one') throw new Error(`${selection.kind} fits ${selector}`);
  const { container } = selection;
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const result = runInstrument(
    await loadInstrument(name),
    {
      files,
      container,
      target: whatIs(findTarget(files, container)),
      milliseconds: 60_000,
      signal: stop.signal,
      options,
    },
    { wanted, onReady: () => ready.resolve() },
  );
  try {
    await Promise.race([ready.promise, result]);
    await action();
  } finally {
    stop.abort();
  }
  return whatIs(await result) as TracedResults[Name];
}

/** The same by two engines at once: what eBPF saw, and what ftrace did. */
export async function traceByBoth<Name extends InstrumentName>(
  name: Name,
  selector: string,
  action: () => Promise<unknown>,
  options: TraceWish['options'] = {},
): Promise<readonly [ebpf: TracedResults[Name], ftrace: TracedResults[Name]]> {
  const other = Promise.withResolvers<TracedResults[Name]>();
  const one = await traceDuring(
    name,
    selector,
    async () => other.resolve(await traceDuring(name, selector, action, { engine: 'ftrace', options })),
    { engine: 'ebpf', options },
  );
  return [one, await other.promise];
}
