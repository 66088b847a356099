import { mapReading, type Reading } from '../../../linux/reading.ts';
import type { TraceResult } from '../../instrument.ts';
import { readRecording } from '../../perf/read.ts';
import type { RecordedEvent } from '../../perf/script.ts';
import type { ProfileResult } from './result.ts';
import { summarize } from './summarize.ts';

/** A recording of perf as a profile: of its events the one with the most samples. */
export async function profileFromFile(file: string): Promise<Reading<ProfileResult>> {
  return mapReading(await readRecording(file), ([most]) =>
    recordedProfile({ engine: 'perf', lost: 0, ended: 'time', seconds: 0 }, null, most),
  );
}

export const recordedProfile = (
  base: TraceResult,
  hertz: number | null,
  recorded: RecordedEvent | undefined,
): ProfileResult =>
  summarize(
    base,
    { event: recorded?.event ?? 'cpu-clock', hertz },
    (recorded?.stacks ?? []).map(stack => ({ ...stack, process: stack.frames[0]?.name ?? '?' })),
    0,
  );
