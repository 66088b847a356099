import { foldStacks } from '../../flamegraph/folded.ts';
import { toSpeedscope } from '../../flamegraph/speedscope.ts';
import type { Profile } from '../../flamegraph/stack.ts';
import { toSvg } from '../../flamegraph/svg.ts';
import type { ProfileResult } from './result.ts';

const profileOf = ({ event, hertz, seconds, stacks }: ProfileResult): Profile => ({
  title: hertz === null ? `on CPU: ${event}` : `on CPU: ${hertz} Hz, ${seconds.toFixed(1)} s`,
  unit: 'samples',
  stacks,
});

/** A flame graph that works alone in a browser, a file for speedscope.app, and folded stacks for every other tool. */
export const profileExports: Readonly<Record<string, (result: ProfileResult) => string>> = {
  '.svg': result => toSvg(profileOf(result)),
  '.speedscope.json': result => toSpeedscope(profileOf(result)),
  '.folded': result => foldStacks(result.stacks),
};
