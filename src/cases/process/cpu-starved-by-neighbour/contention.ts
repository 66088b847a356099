import { type FactsByName, growth, levelsOf, type Neighbour } from '../../../diagnose/facts.ts';
import { mapReading, orElse } from '../../../linux/reading.ts';
import { type Microseconds, microseconds } from '../../../linux/units.ts';
import type { HostFacts, ProcessFacts } from '../../../observe/observation.ts';

/** Where the time of its runnable threads went, in microseconds of the window. */
export interface Contention {
  /** CPUs it may use. */
  readonly cpus: readonly number[];
  readonly ran: Microseconds;
  /** Runnable, not running: summed over its threads. */
  readonly waited: Microseconds;
  /** Before each of its time slices, on average. */
  readonly waitEach: Microseconds;
  /** The part of `waited` that throttling may explain. */
  readonly throttled: Microseconds;
  /** CPU time that others used on its CPUs, by /proc/stat; undefined in observations without CPU times of the host. */
  readonly othersUsed: Microseconds | undefined;
  /** Share of the time of its CPUs that anybody used, or that a hypervisor took from them. */
  readonly busyShare: number;
  /** CPU time it wanted, might have had, and others got: never more than any of these three. */
  readonly lost: Microseconds;
  /** Who can have got it, the most first. */
  readonly takers: readonly Taker[];
}

export interface Taker {
  readonly neighbour: Neighbour;
  /** The most that it can have used on the container's CPUs. */
  readonly taken: Microseconds;
  /** It may run nowhere else, so all that it used was used here. */
  readonly certain: boolean;
}

interface ContentionFacts {
  readonly cpu: FactsByName['cpu'];
  readonly processes: readonly ProcessFacts[];
  readonly neighbours: readonly Neighbour[];
  readonly host: HostFacts;
  readonly windowMs: number;
}

export function measureContention(
  { cpu, processes, neighbours, host, windowMs }: ContentionFacts,
  allowed: readonly number[] | undefined,
): Contention {
  const window = windowMs * 1000;
  const busy = host.cpuBusy ?? {};
  const cpus = (allowed ?? Object.keys(busy).map(Number)).filter(
    number => host.cpuBusy === undefined || String(number) in busy,
  );
  const count = Math.max(1, cpus.length);
  const times = processes.flatMap(({ scheduler }) => (scheduler.present ? [scheduler.value] : []));
  const sum = (of: 'running' | 'waiting' | 'timeslices'): number =>
    times.reduce((total, { first, last }) => total + last[of] - first[of], 0);
  const running = sum('running');
  const usage = growth(cpu.own, sample => sample.usage);
  const ran = cpu.shared ? running : orElse(usage, running);
  const waited = sum('waiting');
  const throttled = throttleWait(cpu, processes, count);
  const used = cpus.reduce((total, number) => total + (busy[number] ?? 0), 0);
  // What was not idle: where the host of this guest steals time, the used time alone would look like room.
  const notIdle =
    host.cpuIdle && count * window - cpus.reduce((total, number) => total + (host.cpuIdle?.[number] ?? 0), 0);
  const others = Math.max(0, used - ran);
  const takers = findTakers(neighbours, cpus, others, Object.keys(busy).length);
  // /proc/stat may count by ticks, which a guest loses; a cgroup's usage is measured at each switch.
  const certain = takers.reduce((total, taker) => total + (taker.certain ? taker.taken : 0), 0);
  const capacity = Math.min(count * window, quotaOf(cpu, window));
  return {
    cpus,
    ran: microseconds(ran),
    waited: microseconds(waited),
    waitEach: microseconds(Math.round(waited / Math.max(1, sum('timeslices')))),
    throttled,
    othersUsed: host.cpuBusy === undefined ? undefined : microseconds(others),
    busyShare: Math.min(1, (notIdle ?? used) / (count * window)),
    lost: microseconds(Math.max(0, Math.min(waited - throttled, capacity - ran, Math.max(others, certain)))),
    takers,
  };
}

/**
 * What those used who may run on these CPUs only was used here. To the others no more can be put down than is
 * left of what anybody used here: the rest they had on other CPUs.
 */
function findTakers(
  neighbours: readonly Neighbour[],
  cpus: readonly number[],
  othersUsed: number,
  online: number,
): readonly Taker[] {
  const here = new Set(cpus);
  const isEverywhere = here.size >= online;
  const isOnlyHere = ({ cpus: theirs }: Neighbour): boolean =>
    isEverywhere || (theirs !== null && theirs.length > 0 && theirs.every(cpu => here.has(cpu)));
  const mayBeHere = ({ cpus: theirs }: Neighbour): boolean =>
    theirs === null || theirs.length === 0 || theirs.some(cpu => here.has(cpu));
  const certain = neighbours.filter(isOnlyHere);
  const left = Math.max(0, othersUsed - certain.reduce((sum, { used }) => sum + used, 0));
  return neighbours
    .filter(mayBeHere)
    .map(neighbour => {
      const only = isOnlyHere(neighbour);
      return {
        neighbour,
        taken: only ? neighbour.used : microseconds(Math.min(neighbour.used, left)),
        certain: only,
      };
    })
    .toSorted((a, b) => b.taken - a.taken);
}

/**
 * throttled_time counts each CPU once, the wait in schedstat each thread: where more threads than CPUs wait for
 * the next period, that many times more.
 */
function throttleWait(
  cpu: FactsByName['cpu'],
  processes: readonly ProcessFacts[],
  cpus: number,
): Microseconds {
  const threads = processes.reduce((total, { status }) => total + status.threads, 0);
  const time = levelsOf(cpu).reduce(
    (total, level) =>
      total +
      orElse(
        growth(level, ({ throttling }) => mapReading(throttling, counters => counters.throttledTime)),
        0,
      ),
    0,
  );
  return microseconds(Math.round(time * Math.max(1, threads / cpus)));
}

/** CPU time that the strictest quota on the way to the root allows in the window. */
function quotaOf(cpu: FactsByName['cpu'], window: number): number {
  return levelsOf(cpu).reduce((least, { last }) => {
    if (!last.quota.present || last.quota.value.quota.kind === 'max') return least;
    const { quota, period } = last.quota.value;
    return Math.min(least, (window * quota.value) / period);
  }, Number.POSITIVE_INFINITY);
}

/** Of the CPU time it could have used, the share that others got. */
export const lostShare = ({ lost, ran }: Contention): number => (lost === 0 ? 0 : lost / (lost + ran));
