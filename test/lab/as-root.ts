import { test } from 'vitest';
import { findUnmetNeed } from '../../src/lab/needs.ts';

const unmet = findUnmetNeed([]);

/** A test on the real kernel; where containers cannot be made it is skipped, and its name says why. */
export const labTest = (name: string, body: () => Promise<void>): void => {
  if (unmet === undefined) test(name, body);
  else test.skip(`${name} (skipped: ${unmet.because}; ${unmet.remedy})`, body);
};
