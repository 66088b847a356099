import type { KernelFiles } from '../linux/files.ts';
import { readCmdline } from '../linux/proc/cmdline.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { readOomScoreAdjust } from '../linux/proc/oom_score_adj.ts';
import type { SchedulerTimes } from '../linux/proc/schedstat.ts';
import {
  leaderSchedstatPath,
  parseSchedstat,
  readThreadSchedstats,
  sumSchedulerTimes,
} from '../linux/proc/schedstat.ts';
import { readStack } from '../linux/proc/stack.ts';
import { type ProcessStat, readStat, readThreadStat } from '../linux/proc/stat.ts';
import { readStatus } from '../linux/proc/status.ts';
import { readThreadWchan, readWchan } from '../linux/proc/wchan.ts';
import {
  absent,
  flatMapReading,
  mapReading,
  orElse,
  parsed,
  present,
  type Reading,
} from '../linux/reading.ts';
import type { SampledFile, Sampler } from '../linux/sampler.ts';
import type { ClockTicks, HostPid } from '../linux/units.ts';
import type { BlockedTask, ProcessFacts } from './observation.ts';

/** Where a sampler lends its kept files, most of a second sample is one read a process. */
export type ProcessFiles = KernelFiles & Partial<Pick<Sampler, 'file'>>;

/** What the first sample keeps of a process, to be compared with the second. */
export interface ProcessSample {
  readonly startTime: ClockTicks;
  readonly zombie: boolean;
  /** By thread. */
  readonly scheduler: Reading<ThreadTimes>;
  /** The schedstat of a process that has one thread, kept open. */
  readonly kept?: SampledFile;
  readonly program: Program;
}
type ThreadTimes = ReadonlyMap<HostPid, SchedulerTimes>;
export type ProcessSamples = ReadonlyMap<HostPid, ProcessSample>;

/** What hardly ever changes in a process once it runs its program. */
interface Program extends Pick<ProcessFacts, 'commandLine' | 'executable' | 'oomScoreAdjust'> {
  /** `comm`: exec gives another one. */
  readonly name: string;
}

/** The processes whose programs somebody asks about. */
export type Named = ReadonlySet<HostPid> | 'all';

/** Each takes a descriptor and, in the kernel, a page. */
export const mostKept = 4096;

/** The first sample of some processes; one that ends meanwhile is left out. */
export function sampleProcesses(
  files: ProcessFiles,
  pids: readonly HostPid[],
  named: Named = 'all',
): ProcessSamples {
  const samples = new Map<HostPid, ProcessSample>();
  for (const pid of pids) {
    const stat = readStat(files, pid);
    if (!stat.present) continue;
    const { startTime, state, threads } = stat.value;
    const kept =
      threads === 1 && samples.size < mostKept ? files.file?.(leaderSchedstatPath(pid)) : undefined;
    samples.set(pid, {
      startTime,
      zombie: state === 'Z',
      scheduler:
        kept === undefined ? readThreadSchedstats(files, pid, threads) : readKeptSchedstat(kept, pid),
      program: readProgram(files, stat.value, named),
      ...(kept === undefined ? {} : { kept }),
    });
  }
  return samples;
}

type ProgramState = Pick<ProcessStat, 'pid' | 'name' | 'state'>;

function readProgram(files: KernelFiles, { pid, name, state }: ProgramState, named: Named): Program {
  if (named !== 'all' && !named.has(pid)) return { ...unasked, name };
  return {
    name,
    commandLine: state === 'Z' ? [] : truncate(orElse(readCmdline(files, pid), [])),
    executable: readExecutable(files, pid),
    oomScoreAdjust: readOomScoreAdjust(files, pid),
  };
}

const unasked = {
  commandLine: [],
  executable: absent('exe', 'disabled', 'nobody asked for it here; glassbox inspect does'),
  oomScoreAdjust: absent('oom_score_adj', 'disabled', 'nobody asked for it here; glassbox inspect does'),
};

const readKeptSchedstat = (kept: SampledFile, pid: HostPid): Reading<ThreadTimes> =>
  mapReading(
    flatMapReading(kept.read(), text => parsed(leaderSchedstatPath(pid), parseSchedstat(text))),
    times => new Map([[pid, times]]),
  );

/** Processes of the first sample that are still there and the same, with their leader's times where that told. */
export type SameProcesses = ReadonlyMap<HostPid, ThreadTimes | undefined>;

export function findSameProcesses(files: KernelFiles, first: ProcessSamples): SameProcesses {
  const same = new Map<HostPid, ThreadTimes | undefined>();
  for (const [pid, { startTime, kept }] of first) {
    if (kept?.isKept() === true) {
      const times = readKeptSchedstat(kept, pid);
      if (times.present) same.set(pid, times.value);
      continue;
    }
    const stat = readStat(files, pid);
    if (stat.present && stat.value.startTime === startTime) same.set(pid, undefined);
  }
  return same;
}

/** The second sample, in full. A pid that now belongs to another process counts as a new process. */
export function finishProcesses(
  files: KernelFiles,
  pids: readonly HostPid[],
  first: ProcessSamples,
  same: SameProcesses,
  named: Named = 'all',
): readonly ProcessFacts[] {
  return pids.flatMap(pid => {
    const before = same.has(pid) ? first.get(pid) : undefined;
    const { startTime } = before ?? orElse<Partial<ProcessStat>>(readStat(files, pid), {});
    const status = readStatus(files, pid);
    return startTime === undefined || !status.present
      ? []
      : [readProcess(files, { startTime, status: status.value, times: same.get(pid) }, before, named)];
  });
}

const commandLineBytes = 4096;

function readProcess(
  files: KernelFiles,
  now: Pick<ProcessFacts, 'startTime' | 'status'> & { readonly times: ThreadTimes | undefined },
  before: ProcessSample | undefined,
  named: Named,
): ProcessFacts {
  const { startTime, status } = now;
  const { pid, name, state, threads } = status;
  const times =
    threads === 1 && now.times !== undefined ? present(now.times) : readThreadSchedstats(files, pid, threads);
  const blocked = findBlocked(files, status, before?.scheduler, times);
  const isSameProgram = before?.program.name === name && state !== 'Z';
  const { name: _, ...program } = isSameProgram
    ? before.program
    : readProgram(files, { pid, name, state }, named);
  return {
    pid,
    startTime,
    status,
    zombieInBothSamples: state === 'Z' && before?.zombie === true,
    ...program,
    waitChannel:
      state === 'D'
        ? readWchan(files, pid)
        : absent(`/proc/${pid}/wchan`, 'disabled', 'it is read for tasks in uninterruptible sleep only'),
    scheduler: bothTimes(mapTimes(before?.scheduler), mapReading(times, sumOf), pid),
    ...(blocked.length === 0 ? {} : { blocked }),
  };
}

const sumOf = (times: ThreadTimes): SchedulerTimes => sumSchedulerTimes(times.values());
const mapTimes = (times: Reading<ThreadTimes> | undefined): Reading<SchedulerTimes> | undefined =>
  times === undefined ? undefined : mapReading(times, sumOf);

/**
 * Threads in D that were on no CPU since the first sample: one sleep from before the window to its end. Who is
 * in D for a moment, for a disk, runs in between; so the state in the first sample need not be read.
 */
function findBlocked(
  files: KernelFiles,
  leader: ProgramState,
  first: Reading<ThreadTimes> | undefined,
  last: Reading<ThreadTimes>,
): readonly BlockedTask[] {
  if (first?.present !== true || !last.present) return [];
  const { pid } = leader;
  const earlier = first.value;
  return [...last.value].flatMap(([thread, { timeslices }]) => {
    if (earlier.get(thread)?.timeslices !== timeslices) return [];
    const stat = thread === pid ? present(leader) : readThreadStat(files, pid, thread);
    if (!stat.present || stat.value.state !== 'D') return [];
    const { name } = stat.value;
    const waitChannel = readThreadWchan(files, pid, thread);
    return [{ thread, name, waitChannel, stack: readStack(files, pid, thread) }];
  });
}

function bothTimes(
  first: Reading<SchedulerTimes> | undefined,
  last: Reading<SchedulerTimes>,
  pid: HostPid,
): ProcessFacts['scheduler'] {
  if (first === undefined)
    return absent(`/proc/${pid}/schedstat`, 'vanished', 'the process began between the samples; look again');
  if (!first.present) return first;
  return flatMapReading(last, times =>
    times.running < first.value.running || times.waiting < first.value.waiting
      ? absent(`/proc/${pid}/task/*/schedstat`, 'vanished', 'threads ended between the samples; look again')
      : present({ first: first.value, last: times }),
  );
}

/** argv up to 4 KiB in all: a command line may be megabytes long. */
function truncate(words: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let room = commandLineBytes;
  for (const word of words) {
    if (room <= 0) break;
    kept.push(word.slice(0, room));
    room -= word.length + 1;
  }
  return kept;
}
