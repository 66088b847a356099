import { type Chain, growth, type Level, levelsOf } from '../../../diagnose/facts.ts';
import type { PidsSample } from '../../../linux/cgroup/model.ts';
import { orElse } from '../../../linux/reading.ts';

/** The pids limit with the fewest places left: a container's own or an ancestor's. */
export interface Room {
  readonly level: Level<PidsSample>;
  readonly current: number;
  readonly limit: number;
  /** Forks refused during the window. */
  readonly refused: number;
}

export function tightestRoom(chain: Chain<PidsSample>): Room | undefined {
  return levelsOf(chain)
    .flatMap(level => {
      const { limit, current } = level.last;
      if (limit.kind === 'max') return [];
      const refused = orElse(
        growth(level, sample => sample.refusals),
        0,
      );
      return [{ level, current, limit: limit.value, refused }];
    })
    .toSorted((a, b) => a.limit - a.current - (b.limit - b.current))[0];
}
