import type { Frame, WeightedStack } from './stack.ts';

/** All stacks that begin alike, as one: a box of a flame graph. */
export interface FlameNode {
  readonly frame: Frame;
  /** With everything it called. */
  readonly weight: number;
  /** Of which spent in the function itself. */
  readonly self: number;
  readonly children: readonly FlameNode[];
}

interface Growing {
  readonly frame: Frame;
  weight: number;
  self: number;
  readonly children: Map<string, Growing>;
}

const grow = (frame: Frame): Growing => ({ frame, weight: 0, self: 0, children: new Map() });

/** Children by name, as flame graphs are read: the order on the page is no order in time. */
export function mergeStacks(stacks: readonly WeightedStack[]): FlameNode {
  const root = grow({ name: 'all', kind: 'mark' });
  for (const { frames, weight } of stacks) {
    let node = root;
    node.weight += weight;
    for (const frame of frames) {
      const key = `${frame.kind} ${frame.name}`;
      const child = node.children.get(key) ?? grow(frame);
      node.children.set(key, child);
      child.weight += weight;
      node = child;
    }
    node.self += weight;
  }
  return finish(root);
}

const finish = ({ frame, weight, self, children }: Growing): FlameNode => ({
  frame,
  weight,
  self,
  children: [...children.values()].map(finish).sort((a, b) => compare(a.frame.name, b.frame.name)),
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export interface FunctionShare {
  readonly frame: Frame;
  /** Weight of the stacks that end in it. */
  readonly self: number;
  /** Weight of the stacks that pass through it, each counted once. */
  readonly total: number;
}

/** Functions by the time they took themselves, the most first. */
export function hottestFunctions(stacks: readonly WeightedStack[]): readonly FunctionShare[] {
  const shares = new Map<string, { frame: Frame; self: number; total: number }>();
  for (const { frames, weight } of stacks) {
    const seen = new Set<string>();
    for (const [index, frame] of frames.entries()) {
      const key = `${frame.kind} ${frame.name}`;
      const share = shares.get(key) ?? { frame, self: 0, total: 0 };
      shares.set(key, share);
      if (!seen.has(key)) share.total += weight;
      seen.add(key);
      if (index === frames.length - 1) share.self += weight;
    }
  }
  return [...shares.values()].sort((a, b) => b.self - a.self || b.total - a.total);
}
