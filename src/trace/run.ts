import type { Absent, Reading } from '../linux/reading.ts';
import { examineEngines, findEngine } from './available.ts';
import type { EngineName, Instrument, TraceResult, TraceRun } from './instrument.ts';

/** An engine that would have been better, and why it could not look. */
export interface PassedOver {
  readonly engine: EngineName;
  readonly why: Absent;
}

export interface EngineChoice {
  /** This one, and no other. */
  readonly wanted?: string | undefined;
  /** Everything is attached, by the engine of this name. */
  readonly onReady?: (engine: EngineName, passedOver: readonly PassedOver[]) => void;
}

/** Looks with the best engine that there is here; where the kernel refuses that one after all, with the next best. */
export async function runInstrument(
  instrument: Instrument,
  run: Omit<TraceRun<TraceResult>, 'engine' | 'onReady'>,
  { wanted, onReady }: EngineChoice = {},
): Promise<Reading<TraceResult>> {
  const passedOver: PassedOver[] = [];
  for (const { engine, reading } of examineEngines(run.files, instrument, wanted)) {
    const result = reading.present
      ? await instrument.run({ ...run, engine, onReady: () => onReady?.(engine, passedOver) })
      : reading;
    if (result.present) return result;
    passedOver.push({ engine, why: result });
  }
  const [best] = passedOver;
  if (best !== undefined) return best.why;
  const none = findEngine(run.files, instrument, wanted);
  if (none.present) throw new Error(`${instrument.name} has an engine and did not use it`);
  return none;
}
