import * as v from 'valibot';
import type { TraceResult } from '../../trace/instrument.ts';
import type { Traced } from '../../trace/results.ts';
import { byName, fraction, reading, type Schema, whole } from './parts.ts';

/**
 * What every instrument's result has is checked here; the rest is each instrument's own and is passed on as it is. A
 * rule that meets another shape than it knows fails by itself and takes no other down (diagnose/engine.ts).
 */
const result: Schema<TraceResult> = v.looseObject({
  engine: v.picklist(['ebpf', 'ftrace', 'perf']),
  lost: whole<number>(),
  ended: v.picklist(['time', 'stopped', 'container-gone']),
  seconds: fraction,
});

export const traced = byName(reading(result)) as unknown as Schema<Traced>;
