/** How many checks and tests came out how: what the last line of `npm test` says. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };
export const onePassed: Tally = { ...nothing, passed: 1 };
export const oneFailed: Tally = { ...nothing, failed: 1 };
export const skippedMany = (skipped: number): Tally => ({ ...nothing, skipped });

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const sayTally = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/**
 * Counts vitest's JSON report. A file that could not be loaded has no tests in it and counts as one failure; so
 * do a report that is missing or unreadable, a run without a single test, and an exit code that no test explains.
 */
export function tallyOfReport(report: string | undefined, exitCode: number | null): Tally {
  const files = filesOf(report);
  if (files === undefined) return oneFailed;
  let tally = nothing;
  for (const { status, assertionResults } of files) {
    for (const test of assertionResults) tally = add(tally, tallyOfStatus(test.status));
    if (status === 'failed' && !assertionResults.some(test => test.status === 'failed'))
      tally = add(tally, oneFailed);
  }
  const unexplained = exitCode !== 0 && tally.failed === 0;
  const empty = tally.passed + tally.failed + tally.skipped === 0;
  return unexplained || empty ? add(tally, oneFailed) : tally;
}

interface FileReport {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

function filesOf(report: string | undefined): readonly FileReport[] | undefined {
  if (report === undefined) return undefined;
  try {
    const { testResults } = JSON.parse(report) as { testResults?: unknown };
    return Array.isArray(testResults) ? testResults : undefined;
  } catch {
    return undefined;
  }
}

function tallyOfStatus(status: string): Tally {
  if (status === 'passed') return onePassed;
  return status === 'failed' ? oneFailed : skippedMany(1);
}
