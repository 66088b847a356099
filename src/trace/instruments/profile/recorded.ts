import { mapReading, type Reading } from '../../../linux/reading.ts';
import { readRecording } from '../../perf/read.ts';
import type { ProfileResult } from './result.ts';
import { summarize } from './summarize.ts';

/** A recording of perf as a profile: of its events the one with the most samples. */
export async function profileFromFile(file: string): Promise<Reading<ProfileResult>> {
  return mapReading(await readRecording(file), ([most]) =>
    summarize(
      { engine: 'perf', lost: 0, ended: 'time', seconds: 0 },
      { event: most?.event ?? 'samples', hertz: null },
      (most?.stacks ?? []).map(stack => ({ ...stack, process: stack.frames[0]?.name ?? '?' })),
      0,
    ),
  );
}
