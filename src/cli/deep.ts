import type { Container } from '../containers/container.ts';
import type { Case } from '../diagnose/case.ts';
import type { KernelFiles } from '../linux/files.ts';
import type { Reading } from '../linux/reading.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { loadInstrument } from '../trace/index.ts';
import type { Instrument, TraceResult } from '../trace/instrument.ts';
import type { InstrumentName, Traced } from '../trace/results.ts';
import { runInstrument } from '../trace/run.ts';
import { findTarget } from '../trace/target.ts';

/** The instruments that cases name, each once. */
export const instrumentsOf = (cases: readonly Case[]): readonly InstrumentName[] => [
  ...new Set(cases.flatMap(({ instruments = [] }) => instruments)),
];

/** Far more than a window lasts: an instrument here ends when it is told to. */
const longestMs = 3_600_000;

/**
 * Observes while instruments look into the kernel: everything is attached before the first sample is taken, and
 * detached after the second. One that cannot look is a Reading that says why.
 */
export async function observeDeep(
  files: KernelFiles,
  containers: readonly Container[],
  names: readonly InstrumentName[],
  observe: () => Promise<Observation>,
): Promise<Observation> {
  const stop = new AbortController();
  const instruments = await Promise.all(names.map(loadInstrument));
  const running = containers
    .filter(({ init }) => init !== null)
    .map(container => ({
      container,
      runs: instruments.map(each => start(files, container, each, stop.signal)),
    }));
  try {
    await Promise.all(running.flatMap(({ runs }) => runs.map(({ ready }) => ready)));
    const observation = await observe();
    stop.abort();
    const traced = new Map<string, Traced>();
    for (const { container, runs } of running) {
      const results: Partial<Record<InstrumentName, Reading<TraceResult>>> = {};
      for (const { name, result } of runs) results[name] = await result;
      traced.set(container.id, results as Traced);
    }
    return { ...observation, containers: observation.containers.map(facts => withTraced(facts, traced)) };
  } finally {
    stop.abort();
  }
}

const withTraced = (facts: ContainerFacts, traced: ReadonlyMap<string, Traced>): ContainerFacts => {
  const seen = traced.get(facts.container.id);
  return seen === undefined ? facts : { ...facts, traced: seen };
};

interface Started {
  readonly name: InstrumentName;
  /** Attached, or ended without. */
  readonly ready: Promise<unknown>;
  readonly result: Promise<Reading<TraceResult>>;
}

function start(
  files: KernelFiles,
  container: Container,
  instrument: Instrument,
  signal: AbortSignal,
): Started {
  let attached = (): void => {};
  const onReady = new Promise<void>(resolve => {
    attached = resolve;
  });
  const defaults = (instrument.options ?? []).map(({ flags, default: value }) => [nameOf(flags), value]);
  const result = (async (): Promise<Reading<TraceResult>> => {
    const target = findTarget(files, container);
    if (!target.present) return target;
    const options = Object.fromEntries(defaults);
    return await runInstrument(
      instrument,
      { files, container, target: target.value, milliseconds: longestMs, signal, options },
      { onReady: attached },
    );
  })();
  return { name: instrument.name, ready: Promise.race([onReady, result]), result };
}

/** `--slower <time>` is `slower`. */
const nameOf = (flags: string): string => /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
