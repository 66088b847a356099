import { findBpf, hasTracepoints } from '../linux/bpf/requirements.ts';
import type { KernelFiles } from '../linux/files.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../linux/reading.ts';
import { findTracefs } from '../linux/tracefs.ts';
import type { EngineName, EngineNeeds, Instrument } from './instrument.ts';

/** One engine of an instrument, and whether it can run it here. */
export interface EngineState {
  readonly engine: EngineName;
  readonly reading: Reading<EngineName>;
}

/** The engines of an instrument, or the one that is wanted, the best first. One may have several ways, and needs one. */
export const examineEngines = (
  files: KernelFiles,
  { engines }: Instrument,
  wanted?: string,
): readonly EngineState[] =>
  [...Map.groupBy(engines, ({ engine }) => engine)]
    .filter(([engine]) => wanted === undefined || engine === wanted)
    .map(([engine, ways]) => ({ engine, reading: mapReading(firstThere(files, ways), () => engine) }));

/** The first of several ways that is there; where none is, what the first one lacks. */
function firstThere(files: KernelFiles, ways: readonly EngineNeeds[]): Reading<unknown> {
  let lacking: Reading<unknown> | undefined;
  for (const way of ways) {
    const reading = checkNeeds(files, way);
    if (reading.present) return reading;
    lacking ??= reading;
  }
  return lacking ?? absent('an engine', 'disabled', 'none can run it');
}

/** The best engine that can run an instrument here; absent with the reason of the one that comes nearest. */
export function findEngine(files: KernelFiles, instrument: Instrument, wanted?: string): Reading<EngineName> {
  const states = examineEngines(files, instrument, wanted);
  return (
    states.find(({ reading }) => reading.present)?.reading ??
    states[0]?.reading ??
    absent(`${instrument.name} by ${wanted}`, 'disabled', sayEngines(instrument))
  );
}

/** Why an engine that somebody asks for is not among those of an instrument. */
export const sayEngines = ({ engines, oneEngine }: Instrument): string => {
  const names = [...new Set(engines.map(({ engine }) => engine))].join(' and ');
  return `it is asked by ${names}${oneEngine === undefined ? '' : `: ${oneEngine}`}`;
};

function checkNeeds(files: KernelFiles, { engine, tracepoints, also }: EngineNeeds): Reading<unknown> {
  const checked = checkEngine(files, engine, tracepoints);
  return checked.present && also !== undefined ? also(files) : checked;
}

function checkEngine(
  files: KernelFiles,
  engine: EngineName,
  tracepoints: readonly string[],
): Reading<unknown> {
  switch (engine) {
    case 'ebpf':
      return flatMapReading(findBpf(files), () =>
        hasTracepoints(tracepoints.map(name => name.slice(name.indexOf(':') + 1))),
      );
    case 'ftrace':
      return flatMapReading(findTracefs(files), mountPoint => {
        const missing = tracepoints.find(
          name => !files.status(`${mountPoint}/events/${name.replace(':', '/')}`).present,
        );
        return missing === undefined
          ? present(true)
          : absent(`the tracepoint ${missing}`, 'kernel-too-old', 'this kernel has not got it');
      });
    case 'perf':
      return present(true);
  }
}
