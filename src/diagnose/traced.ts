import { absent, flatMapReading, type Reading } from '../linux/reading.ts';
import type { InstrumentName, Traced, TracedResults } from '../trace/results.ts';

/** What one instrument saw; absent without `diagnose --deep`, or where this kernel does not let it look. */
export const tracedBy = <Name extends InstrumentName>(
  traced: Reading<Traced>,
  name: Name,
): Reading<TracedResults[Name]> =>
  flatMapReading(
    traced,
    all =>
      (all[name] as Reading<TracedResults[Name]> | undefined) ??
      absent(`the instrument ${name}`, 'needs-trace', `glassbox trace ${name} shows it`),
  );
