import { test } from 'vitest';
import type { LabNeed } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';

type Body = () => Promise<void>;

/** A test on the real kernel; where containers cannot be made, or a need is unmet, it is skipped, and its name says why. */
export function labTest(name: string, body: Body): void;
export function labTest(name: string, needs: readonly LabNeed[], body: Body): void;
export function labTest(name: string, ...rest: [Body] | [readonly LabNeed[], Body]): void {
  const [needs, body] = rest.length === 1 ? [[], rest[0]] : rest;
  const unmet = findUnmetNeed(needs);
  if (unmet === undefined) test(name, body);
  else test.skip(`${name} (skipped: ${unmet.because}; ${unmet.remedy})`, body);
}
