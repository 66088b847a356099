import { type Chain, growth, type Level, levelsOf } from '../../../diagnose/facts.ts';
import type { HugetlbSample } from '../../../linux/cgroup/model.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';

export type HugetlbLevel = Level<HugetlbSample>;
export type HugetlbSize = HugetlbSample['sizes'][number];

/** Requests for huge pages of one size that a limit refused to this container. */
export interface Refusals {
  /** Where they were counted. */
  readonly level: HugetlbLevel;
  readonly size: HugetlbSize;
  readonly total: number;
  readonly inWindow: Reading<number>;
  /** Reservations (mmap) alone were refused, so that no process was killed. */
  readonly ofReservations: boolean;
}

/** Whose refusals count as the container's own; of levels above it those of the window only, while it has pages there. */
export function refusalsIn(chain: Chain<HugetlbSample>): readonly Refusals[] {
  return levelsOf(chain).flatMap(level =>
    level.last.sizes.flatMap(size => {
      const total = countOf(size);
      if (total === 0) return [];
      const inWindow = growth(level, sample => countIn(sample, size.size));
      if (level !== chain.own && !(actsOn(chain, size) && inWindow.present && inWindow.value > 0)) return [];
      const ofReservations = size.failures === 0 || (level.version === 'v2' && isReservation(size));
      return [{ level, size, total, inWindow, ofReservations }];
    }),
  );
}

/** v2 tells every refusal in the events of the task's own cgroup, so those of levels above are others'. */
const actsOn = ({ own }: Chain<HugetlbSample>, { size }: HugetlbSize): boolean =>
  own.version === 'v1' && own.last.sizes.some(each => each.size === size && each.usage > 0);

export const countOf = ({ failures, reserved }: HugetlbSize): number => failures + (reserved?.failures ?? 0);

function countIn({ sizes }: HugetlbSample, name: string): Reading<number> {
  const size = sizes.find(each => each.size === name);
  return size === undefined
    ? absent(`hugetlb.${name}`, 'vanished', 'this size was not there in the first sample; look again')
    : present(countOf(size));
}

/** One counter for both: it was reservations if these are limited and faults are not, or have more room. */
function isReservation({ limit, reserved }: HugetlbSize): boolean {
  if (reserved === undefined || reserved.limit.kind === 'max') return false;
  return limit.kind === 'max' || reserved.limit.value < limit.value;
}

/** The limit that refused: the counting level's own, or on v2 the smallest above it. */
export function limitOf(
  chain: Chain<HugetlbSample>,
  { level, size, ofReservations }: Refusals,
): { readonly level: HugetlbLevel; readonly value: number } | undefined {
  const from = levelsOf(chain).slice(levelsOf(chain).indexOf(level));
  const limits = (level.version === 'v1' ? [level] : from).flatMap(each => {
    const same = each.last.sizes.find(other => other.size === size.size);
    const limit = ofReservations ? same?.reserved?.limit : same?.limit;
    return limit?.kind === 'limit' ? [{ level: each, value: limit.value }] : [];
  });
  return limits.sort((a, b) => a.value - b.value)[0];
}

/** v1 keeps the highest usage: clearly below the limit now means that the limit has been raised since. */
export const isMended = ({ level, size, inWindow }: Refusals, pageSize: number): boolean =>
  !(inWindow.present && inWindow.value > 0) &&
  level.version === 'v1' &&
  size.peak !== undefined &&
  size.failures > 0 &&
  (size.limit.kind === 'max' || size.peak + pageSize <= size.limit.value);
