import type { Container } from '../containers/container.ts';
import type { OomReport } from '../linux/kmsg/oom-report.ts';
import type { Reading } from '../linux/reading.ts';
import {
  type Bytes,
  type CgroupPath,
  type Limit,
  type Microseconds,
  microseconds,
  microsecondsFromTicks,
} from '../linux/units.ts';
import type { ProcessFacts } from '../observe/observation.ts';
import type { CommonFacts } from './facts.ts';
import { levelsOf } from './facts.ts';
import type { MemoryChain, MemoryLevel } from './memory-limit.ts';

/** Whose run of the OOM killer a report tells of, as seen from one container. */
export interface Kills {
  /** Of this run of the container, by a limit of a memory cgroup; oldest first. */
  readonly byLimit: readonly OomReport[];
  /** Of this run, by the host's OOM killer. */
  readonly byHost: readonly OomReport[];
  /** Of an earlier run of the same container (same engine id), by a limit. */
  readonly earlierRun: readonly OomReport[];
  /** Of an earlier run of the same container, by the host's OOM killer. */
  readonly earlierByHost: readonly OomReport[];
  /** Of an earlier cgroup with the same path, whoever that was. */
  readonly predecessor: readonly OomReport[];
  /** Under a limit that this container shares, but another cgroup's process died. */
  readonly neighbour: readonly OomReport[];
  /** Processes that the counter of this cgroup counts and no report explains: the log has been overwritten. */
  readonly unexplained: number;
}

export interface KillFacts extends Pick<CommonFacts, 'container' | 'host' | 'observedAt'> {
  readonly memory: Reading<MemoryChain>;
  readonly oomReports: Reading<readonly OomReport[]>;
  readonly init: Reading<ProcessFacts>;
}

export const isWithin = (path: CgroupPath, ancestor: CgroupPath): boolean =>
  path === ancestor || ancestor === '/' || path.startsWith(`${ancestor}/`);

/** An engine's id is never given twice, so a path that contains it names this container beyond its cgroup's life. */
export const carriesId = ({ id }: Container, path: CgroupPath | null): boolean =>
  path !== null && /^[0-9a-f]{12,64}$/.test(id) && path.includes(id);

/**
 * Sorts the kernel log's reports by what they are to this container.
 *
 * A path alone is no identity: a cgroup made again has the path of the one before. The kernel's own counter is:
 * it starts at 0 with each cgroup and counts the processes killed in it, by whichever OOM killer, so the newest
 * reports that add up to it are this cgroup's, and older ones are its predecessor's. It forgets, too: the sum over
 * nested cgroups (v1) loses those that were removed. So a report that fell into this run for certain is this run's;
 * otherwise the time stamps of the log (local_clock: unslewed, stopped in suspend) decide only where no counter can.
 */
export function sortKills(facts: KillFacts): Kills {
  const reports = facts.oomReports.present ? facts.oomReports.value : [];
  const ownPath = facts.memory.present ? facts.memory.value.own.path : facts.container.cgroups.memory;
  const isOurs = ({ victimCgroup }: OomReport): boolean =>
    victimCgroup !== null &&
    (carriesId(facts.container, victimCgroup) ||
      (ownPath !== undefined && ownPath !== '/' && isWithin(victimCgroup, ownPath)));

  const current: OomReport[] = [];
  const before: OomReport[] = [];
  const counter = counterOf(facts);
  let uncounted = counter?.kills ?? 0;
  for (const report of reports.filter(isOurs).toReversed()) {
    const counted = counter?.counts(report.victimCgroup) ?? false;
    const isCounted = counted && uncounted > 0;
    const when = relate(facts, report);
    const isCurrent =
      when === 'during' ||
      (counted ? isCounted && (hasOwnCgroup(facts) || when !== 'before') : when === 'near');
    if (counted) uncounted -= Math.max(1, report.victims.length);
    (isCurrent ? current : before).unshift(report);
  }
  const ofMemcg = (report: OomReport): boolean => report.constraint === 'memcg';
  return {
    byLimit: current.filter(ofMemcg),
    byHost: current.filter(report => !ofMemcg(report)),
    earlierRun: before.filter(report => ofMemcg(report) && carriesId(facts.container, report.victimCgroup)),
    earlierByHost: before.filter(
      report => !ofMemcg(report) && carriesId(facts.container, report.victimCgroup),
    ),
    predecessor: before.filter(report => ofMemcg(report) && !carriesId(facts.container, report.victimCgroup)),
    neighbour: reports.filter(report => ofMemcg(report) && !isOurs(report) && isShared(facts, report)),
    unexplained: Math.max(0, uncounted),
  };
}

/**
 * An engine makes a cgroup for each run, unless it is told not to. A bare container sits in whatever cgroup it was started from, where others
 * may have been before it: there the time has to agree too.
 */
const hasOwnCgroup = ({ container, memory }: KillFacts): boolean =>
  container.engine !== 'bare' && !(memory.present && memory.value.shared);

/** The kills that the kernel counts for the cgroup, with those of nested cgroups where it does. */
function counterOf({
  memory,
}: KillFacts): { kills: number; counts(victim: CgroupPath | null): boolean } | undefined {
  if (!memory.present) return undefined;
  const { path, last } = memory.value.own;
  if (last.subtreeOomKills.present)
    return {
      kills: last.subtreeOomKills.value,
      counts: victim => victim !== null && isWithin(victim, path),
    };
  if (!last.oomKills.present) return undefined;
  return { kills: last.oomKills.value, counts: victim => victim === path };
}

const isShared = ({ memory }: KillFacts, { limitingCgroup }: OomReport): boolean =>
  memory.present && memory.value.ancestors.some(({ path }) => path === limitingCgroup && path !== '/');

/** Two seconds, and 50 ppm of the time since boot: as far as the log's clock strays from that of the processes. */
const slackAt = (at: Microseconds): number => 2_000_000 + at * 50e-6;

/**
 * A report against this run of the container: after its start and before its end for certain, or before or after it
 * for certain, or too near to tell. Suspended time, of which nobody knows whether it passed before the report or
 * after, widens what is near.
 */
function relate({ container, host, init }: KillFacts, { at }: OomReport): 'before' | 'during' | 'near' {
  const booted = Date.parse(host.bootedAt);
  const sinceBoot = (time: string | null | undefined): number | undefined => {
    const milliseconds = time ? Date.parse(time) - booted : Number.NaN;
    return Number.isFinite(milliseconds) ? milliseconds * 1000 : undefined;
  };
  const started = init.present ? microsecondsFromTicks(init.value.startTime) : sinceBoot(container.startedAt);
  const finished = sinceBoot(container.exit?.finishedAt);
  const slack = slackAt(at);
  const latest = at + slack + (host.suspended ?? 0);
  if (started !== undefined && latest < started) return 'before';
  if (finished !== undefined && at - slack > finished) return 'before';
  return started !== undefined && at - slack >= started ? 'during' : 'near';
}

/** By the log's own clock, so that time asleep does not count. */
export function ageOf(
  { host, observedAt }: Pick<KillFacts, 'host' | 'observedAt'>,
  { at }: OomReport,
): Microseconds {
  const sinceBoot = (Date.parse(observedAt) - Date.parse(host.bootedAt)) * 1000;
  return microseconds(Math.max(0, sinceBoot - (host.suspended ?? 0) - at));
}

/** The level whose limit was hit, when it is one of the container's; a nested cgroup of its own is not. */
export const limitingLevel = (chain: MemoryChain, report: OomReport): MemoryLevel | undefined =>
  levelsOf(chain).find(({ path }) => path === report.limitingCgroup);

/** The limit that was hit, and what it limits: v1 can be short of memory and swap together with memory left. */
export interface HitLimit {
  readonly means: 'memory' | 'memory-and-swap';
  readonly limit: Bytes;
  readonly usage: Bytes;
  readonly failures: number;
}

export function hitLimitOf({ memory, swap }: OomReport): HitLimit | undefined {
  const counters = [
    { means: 'memory' as const, counter: memory },
    { means: 'memory-and-swap' as const, counter: swap?.limitMeans === 'memory-and-swap' ? swap : null },
  ];
  const limited = counters.flatMap(({ means, counter }) =>
    counter?.limit.kind === 'limit'
      ? [{ means, limit: counter.limit.value, usage: counter.usage, failures: counter.failures }]
      : [],
  );
  return limited.find(({ limit, usage }) => usage >= limit * 0.98) ?? limited[0];
}

/**
 * Whether the limit that killed has been raised or lifted since: then the kill is history. The report has the
 * limit in KiB, so less than a page more is no raise.
 */
export function isMended(chain: MemoryChain, report: OomReport): boolean {
  const hit = hitLimitOf(report);
  const level = limitingLevel(chain, report);
  if (level === undefined || hit === undefined) return false;
  const now = currentLimit(level, hit);
  return now !== undefined && (now.kind === 'max' || now.value >= hit.limit + 4096);
}

export function currentLimit({ last }: MemoryLevel, { means }: HitLimit): Limit<Bytes> | undefined {
  if (means === 'memory') return last.limit;
  return last.swap.present && last.swap.value.limitMeans === 'memory-and-swap'
    ? last.swap.value.limit
    : undefined;
}
