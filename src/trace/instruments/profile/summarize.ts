import type { Frame } from '../../flamegraph/stack.ts';
import { hottestFunctions } from '../../flamegraph/tree.ts';
import type { TraceResult } from '../../instrument.ts';
import { mergeEqual } from '../../stacks.ts';
import type { ProfileResult } from './result.ts';

interface Counted {
  readonly process: string;
  readonly frames: readonly Frame[];
  readonly weight: number;
}

const most = { functions: 200, stacks: 20_000, processes: 100 };

export function summarize(
  base: TraceResult,
  { event, hertz }: Pick<ProfileResult, 'event' | 'hertz'>,
  counted: readonly Counted[],
  lostStacks: number,
): ProfileResult {
  const processes = new Map<string, number>();
  let samples = 0;
  let inKernel = 0;
  for (const { process, frames, weight } of counted) {
    samples += weight;
    if (frames.at(-1)?.kind === 'kernel') inKernel += weight;
    processes.set(process, (processes.get(process) ?? 0) + weight);
  }
  return {
    ...base,
    lost: base.lost + lostStacks,
    event,
    hertz,
    samples,
    inKernel,
    cpuSeconds: hertz === null ? null : Math.round((samples / hertz) * 1000) / 1000,
    processes: [...processes]
      .map(([name, count]) => ({ name, samples: count }))
      .sort((a, b) => b.samples - a.samples)
      .slice(0, most.processes),
    functions: hottestFunctions(counted)
      .filter(({ frame, self }) => frame.kind !== 'mark' && self > 0)
      .slice(0, most.functions),
    stacks: mergeEqual(counted, most.stacks),
  };
}
