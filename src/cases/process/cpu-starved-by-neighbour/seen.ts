import type { Neighbour } from '../../../diagnose/facts.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayTime } from '../../../diagnose/wording.ts';
import type { Reading } from '../../../linux/reading.ts';
import { microseconds } from '../../../linux/units.ts';
import type { Taker as TracedTaker } from '../../../trace/instruments/runq/result.ts';
import type { Traced } from '../../../trace/results.ts';

/** Who had the CPU while its threads waited, as seen at every switch (glassbox trace runq). */
export interface SeenTakers {
  /** All that the threads waited, and what others had the CPU of it. */
  readonly waitedUs: number;
  readonly othersUs: number;
  /** The neighbour that had it most, where one of those that are known did. */
  readonly most: { readonly neighbour: Neighbour; readonly us: number } | undefined;
  /** Of that neighbour's, what its busiest process had. */
  readonly mostByOneUs: number;
  readonly evidence: readonly Evidence[];
}

export function seenTakers(
  traced: Reading<Traced>,
  neighbours: readonly Neighbour[],
): SeenTakers | undefined {
  const result = tracedBy(traced, 'runq');
  if (!result.present) return undefined;
  const { waitedUs, othersUs, takers } = result.value;
  const others = takers.filter(({ own }) => !own);
  const [most] = neighbours
    .map(neighbour => ({ neighbour, us: timeOf(neighbour, others) }))
    .filter(({ us }) => us > 0)
    .sort((a, b) => b.us - a.us);
  const mostByOneUs = most === undefined ? 0 : (takersOf(most.neighbour, others)[0]?.us ?? 0);
  const [first] = others;
  const evidence: Evidence[] = [];
  if (most !== undefined)
    evidence.push({
      claim: 'Seen: it had the CPU while these threads waited',
      source: 'tracepoint sched:sched_switch, by glassbox trace runq',
      observed: `${sayTime(microseconds(most.us))} of ${sayTime(microseconds(waitedUs))} waited`,
    });
  if (first !== undefined)
    evidence.push({
      claim: 'Seen: the process that had it most',
      source: 'tracepoint sched:sched_switch, by glassbox trace runq',
      observed: `${first.name} (pid ${first.pid}), ${sayTime(microseconds(first.us))}`,
    });
  return { waitedUs, othersUs, most, mostByOneUs, evidence };
}

/** In its cgroup or one below it; of tasks directly in a cgroup only those. */
const takersOf = ({ level, path }: Neighbour, takers: readonly TracedTaker[]): readonly TracedTaker[] =>
  takers.filter(
    ({ cgroup }) =>
      cgroup === path || (level !== null && cgroup?.startsWith(`${path === '/' ? '' : path}/`) === true),
  );

const timeOf = (neighbour: Neighbour, takers: readonly TracedTaker[]): number =>
  takersOf(neighbour, takers).reduce((sum, { us }) => sum + us, 0);
