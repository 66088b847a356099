import type { LabRun } from '../../../src/lab/runner.ts';

/** What came of a case's lab somewhere; `broke` when there is no result, in words. */
export type LabResult = { readonly case: string /** `6.1.0-56-cloud-amd64` */; readonly kernel: string } & (
  | { readonly run: LabRun }
  | { readonly broke: string }
);

/**
 * Somewhere to run labs: does so one after the other, hands on each result, and says how it ended. It may end before all are
 * done, because a lab hung or took the machine down.
 */
export interface LabPlace {
  /** For the person who waits. */
  readonly name: string;
  readonly kernel: () => string;
  run(ids: readonly string[], onRun: (run: LabRun) => void): Promise<string>;
}

/** Runs labs one after the other. One that ends the place, or hangs, fails; the rest goes on in a new one. */
export async function runLabsIn(
  place: LabPlace,
  ids: readonly string[],
  onLab: (lab: LabResult) => void,
  stop: AbortSignal,
): Promise<void> {
  let left = ids;
  while (left.length > 0 && !stop.aborted) {
    const why = await place.run(left, run => {
      left = left.filter(id => id !== run.case);
      onLab({ case: run.case, kernel: place.kernel(), run });
    });
    const [broken] = left;
    if (broken === undefined || stop.aborted) return;
    onLab({ case: broken, kernel: place.kernel(), broke: why });
    left = left.slice(1);
  }
}

/** Reads what `glassbox lab run --json` prints as it comes: a line for each lab. */
export function labRunReader(onRun: (run: LabRun) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return chunk => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      if (line.startsWith('{"case"')) onRun(JSON.parse(line.replace(/,$/, '')) as LabRun);
  };
}

export const heldIn = (run: LabRun): boolean =>
  run.error === null && run.reproduced && run.fixed && run.healthySilent;

export function whyNot(run: LabRun): string {
  if (run.error !== null) return run.error;
  const twin = run.stages.healthy?.found.join(', ');
  return [
    run.healthySilent ? '' : `the healthy twin was not silent (${twin})`,
    run.reproduced ? '' : 'the problem was not found',
    run.fixed ? '' : 'the fix did not hold',
  ]
    .filter(Boolean)
    .join('; ');
}
