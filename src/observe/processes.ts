import type { KernelFiles } from '../linux/files.ts';
import { readCmdline } from '../linux/proc/cmdline.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { readOomScoreAdjust } from '../linux/proc/oom_score_adj.ts';
import type { SchedulerTimes } from '../linux/proc/schedstat.ts';
import { readThreadSchedstats, sumSchedulerTimes } from '../linux/proc/schedstat.ts';
import { readStack } from '../linux/proc/stack.ts';
import { type ProcessStat, readStat, readThreadStat } from '../linux/proc/stat.ts';
import { readStatus } from '../linux/proc/status.ts';
import { readThreadWchan, readWchan } from '../linux/proc/wchan.ts';
import { absent, flatMapReading, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import type { ClockTicks, HostPid } from '../linux/units.ts';
import type { BlockedTask, ProcessFacts } from './observation.ts';

/** What the first sample keeps of a process, to be compared with the second. */
export interface ProcessSample {
  readonly startTime: ClockTicks;
  readonly zombie: boolean;
  /** By thread. */
  readonly scheduler: Reading<ThreadTimes>;
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

/** The first sample of some processes; one that ends meanwhile is left out. */
export function sampleProcesses(
  files: KernelFiles,
  pids: readonly HostPid[],
  named: Named = 'all',
): ProcessSamples {
  const samples = new Map<HostPid, ProcessSample>();
  for (const pid of pids) {
    const stat = readStat(files, pid);
    if (!stat.present) continue;
    samples.set(pid, {
      startTime: stat.value.startTime,
      zombie: stat.value.state === 'Z',
      scheduler: readThreadSchedstats(files, pid, stat.value.threads),
      program: readProgram(files, stat.value, named),
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

/** Of those processes of the first sample that are still there, and the same. */
export function readStatsAgain(files: KernelFiles, first: ProcessSamples): ReadonlyMap<HostPid, ProcessStat> {
  const stats = new Map<HostPid, ProcessStat>();
  for (const [pid, { startTime }] of first) {
    const stat = readStat(files, pid);
    if (stat.present && stat.value.startTime === startTime) stats.set(pid, stat.value);
  }
  return stats;
}

/** The second sample, in full. A pid that now belongs to another process counts as a new process. */
export function finishProcesses(
  files: KernelFiles,
  pids: readonly HostPid[],
  first: ProcessSamples,
  stats: ReadonlyMap<HostPid, ProcessStat>,
  named: Named = 'all',
): readonly ProcessFacts[] {
  return pids.flatMap(pid => {
    const again = stats.get(pid);
    const stat = again ?? orElse(readStat(files, pid), undefined);
    const facts =
      stat === undefined
        ? undefined
        : readProcess(files, stat, again === undefined ? undefined : first.get(pid), named);
    return facts === undefined ? [] : [facts];
  });
}

const commandLineBytes = 4096;

function readProcess(
  files: KernelFiles,
  stat: ProcessStat,
  before: ProcessSample | undefined,
  named: Named,
): ProcessFacts | undefined {
  const { pid, startTime } = stat;
  const status = readStatus(files, pid);
  if (!status.present) return undefined;
  const { state } = status.value;
  const times = readThreadSchedstats(files, pid, stat.threads);
  const blocked = findBlocked(files, stat, before?.scheduler, times);
  const isSameProgram = before?.program.name === stat.name && state !== 'Z';
  const { name: _, ...program } = isSameProgram
    ? before.program
    : readProgram(files, { pid, name: stat.name, state }, named);
  return {
    pid,
    startTime,
    status: status.value,
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
  leader: ProcessStat,
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
