import { findBpf, hasTracepoints } from '../linux/bpf/requirements.ts';
import type { KernelFiles } from '../linux/files.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../linux/reading.ts';
import { findTracefs } from '../linux/tracefs.ts';
import type { EngineName, EngineNeeds, Instrument } from './instrument.ts';

/** The best engine that can run an instrument here; absent with the reason of the one that comes nearest. */
export function findEngine(
  files: KernelFiles,
  { name, engines }: Instrument,
  wanted?: string,
): Reading<EngineName> {
  let reason: Reading<EngineName> | undefined;
  for (const needs of engines) {
    if (wanted !== undefined && needs.engine !== wanted) continue;
    const reading = mapReading(checkNeeds(files, needs), () => needs.engine);
    if (reading.present) return reading;
    reason ??= reading;
  }
  return reason ?? absent(`an engine for ${name}`, 'disabled', 'none can run it');
}

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
