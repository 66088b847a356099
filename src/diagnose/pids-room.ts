import type { PidsSample } from '../linux/cgroup/model.ts';
import { orElse } from '../linux/reading.ts';
import { type Chain, growth, type Level, levelsOf } from './facts.ts';

/** The pids limit with the fewest places left: a container's own or an ancestor's. */
export interface Room {
  readonly level: Level<PidsSample>;
  readonly current: number;
  readonly limit: number;
  /** Forks refused during the window. */
  readonly refused: number;
  /** The same since the cgroup was made. */
  readonly refusedEver: number;
}

export function tightestRoom(chain: Chain<PidsSample>): Room | undefined {
  return levelsOf(chain)
    .flatMap(level => {
      const { limit, current } = level.last;
      if (limit.kind === 'max') return [];
      return [{ level, current, limit: limit.value, ...refusals(chain, level) }];
    })
    .toSorted((a, b) => a.limit - a.current - (b.limit - b.current))[0];
}

/**
 * v1, and v2 before 6.11, count a refused fork in the cgroup that forked, whichever level's limit it was; v2
 * counts it in the level with the limit since then (kernel/cgroup/pids.c, pids_event).
 */
function refusals(
  { own }: Chain<PidsSample>,
  level: Level<PidsSample>,
): { readonly refused: number; readonly refusedEver: number } {
  const levels = level === own ? [own] : [own, level];
  return {
    refused: Math.max(
      ...levels.map(counted =>
        orElse(
          growth(counted, sample => sample.refusals),
          0,
        ),
      ),
    ),
    refusedEver: Math.max(...levels.map(({ last }) => orElse(last.refusals, 0))),
  };
}
