/** Where code lies: `jit` was compiled at run time, `mark` is no code, such as the name of a process or a wait. */
export type FrameKind = 'kernel' | 'native' | 'jit' | 'unknown' | 'mark';

export interface Frame {
  readonly name: string;
  readonly kind: FrameKind;
  /** The program or library, where it says more than the name. */
  readonly module?: string;
}

/** One way to be where a sample was taken, outermost caller first, and how much of it there was. */
export interface WeightedStack {
  readonly frames: readonly Frame[];
  readonly weight: number;
}

/** What the weights are; times in microseconds. */
export type WeightUnit = 'samples' | 'us';

export interface Profile {
  /** A line for the reader: `web-1: on CPU, 99 Hz, 10 s`. */
  readonly title: string;
  readonly unit: WeightUnit;
  readonly stacks: readonly WeightedStack[];
}

export const totalWeight = (stacks: readonly WeightedStack[]): number =>
  stacks.reduce((sum, { weight }) => sum + weight, 0);
