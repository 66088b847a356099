import { growth, levelsOf } from '../../../diagnose/facts.ts';
import {
  type MemoryChain,
  type MemoryLevel,
  memoryFile,
  tightestLevel,
} from '../../../diagnose/memory-limit.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import type { Bytes } from '../../../linux/units.ts';

/** A level at which charges met the limit in the window. What memory.high does is memory/high-limit-throttles. */
export interface Pressed {
  readonly level: MemoryLevel;
  /** Undefined where this kernel does not count it. */
  readonly times: number | undefined;
  readonly evidence: Evidence;
}

/** Reclaim works in batches and stays a little below the limit. */
const full = 0.9;

/** The nearest such level. At one above, others may be what filled it; that it is this container that waits PSI says. */
export function pressedLevel(chain: MemoryChain): Pressed | undefined {
  for (const level of levelsOf(chain)) {
    const pressed = atLimit(chain, level);
    if (pressed !== undefined) return pressed;
  }
  return undefined;
}

function atLimit(chain: MemoryChain, level: MemoryLevel): Pressed | undefined {
  const { limit, usage } = level.last;
  if (limit.kind === 'max') return undefined;
  const hits = growth(level, sample => sample.limitHits);
  if (hits.present) {
    return hits.value > 0
      ? {
          level,
          times: hits.value,
          evidence: counted(level, hits.value, memoryFile(level, 'hits')),
        }
      : undefined;
  }
  // Made again, or gone back: no hit was seen.
  if (level.last.limitHits.present) return undefined;
  // Not counted where memory and memory+swap are limited alike: being full has to stand in.
  const isTightest = tightestLevel(chain)?.level === level;
  if (!isTightest || usage < limit.value * full) return undefined;
  return {
    level,
    times: undefined,
    evidence: {
      claim: 'It is full; how often charges met the limit is not counted',
      source: memoryFile(level, 'usage'),
      observed: `${usage} of ${limit.value}`,
    },
  };
}

const counted = (level: MemoryLevel, times: number, source: string): Evidence => ({
  claim: `Charges met the limit of ${sayBytes(limitOf(level))} in the window`,
  source,
  observed: `+${times}`,
});

const limitOf = ({ last: { limit, usage } }: MemoryLevel): Bytes =>
  limit.kind === 'limit' ? limit.value : usage;

export const sayPressed = (level: MemoryLevel): string =>
  `${sayBytes(level.last.usage)} of ${sayBytes(limitOf(level))}`;
