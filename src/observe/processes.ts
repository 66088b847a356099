import type { KernelFiles } from '../linux/files.ts';
import { readCmdline } from '../linux/proc/cmdline.ts';
import { readExecutable } from '../linux/proc/exe.ts';
import { readOomScoreAdjust } from '../linux/proc/oom_score_adj.ts';
import type { SchedulerTimes } from '../linux/proc/schedstat.ts';
import { readSchedstat } from '../linux/proc/schedstat.ts';
import { readStat } from '../linux/proc/stat.ts';
import { readStatus } from '../linux/proc/status.ts';
import { readWchan } from '../linux/proc/wchan.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../linux/reading.ts';
import type { ClockTicks, HostPid } from '../linux/units.ts';
import type { ProcessFacts } from './observation.ts';

/** What the first sample keeps of a process, to be compared with the second. */
export interface ProcessSample {
  readonly startTime: ClockTicks;
  readonly zombie: boolean;
  readonly scheduler: Reading<SchedulerTimes>;
}
export type ProcessSamples = ReadonlyMap<HostPid, ProcessSample>;

/** The first sample of a container's processes; one that ends meanwhile is left out. */
export function sampleProcesses(files: KernelFiles, pids: readonly HostPid[]): ProcessSamples {
  const samples = new Map<HostPid, ProcessSample>();
  for (const pid of pids) {
    const stat = readStat(files, pid);
    if (!stat.present) continue;
    samples.set(pid, {
      startTime: stat.value.startTime,
      zombie: stat.value.state === 'Z',
      scheduler: readSchedstat(files, pid, stat.value.threads),
    });
  }
  return samples;
}

/** The second sample, in full. A pid that now belongs to another process counts as a new process. */
export function finishProcesses(
  files: KernelFiles,
  pids: readonly HostPid[],
  first: ProcessSamples = new Map(),
): readonly ProcessFacts[] {
  return pids.flatMap(pid => {
    const facts = readProcess(files, pid, first.get(pid));
    return facts === undefined ? [] : [facts];
  });
}

const commandLineBytes = 4096;

function readProcess(
  files: KernelFiles,
  pid: HostPid,
  earlier: ProcessSample | undefined,
): ProcessFacts | undefined {
  const stat = readStat(files, pid);
  const status = readStatus(files, pid);
  if (!stat.present || !status.present) return undefined;
  const { startTime } = stat.value;
  const before = earlier?.startTime === startTime ? earlier : undefined;
  const { state } = status.value;
  return {
    pid,
    startTime,
    status: status.value,
    zombieInBothSamples: state === 'Z' && before?.zombie === true,
    commandLine: state === 'Z' ? [] : truncate(orElse(readCmdline(files, pid), [])),
    executable: readExecutable(files, pid),
    oomScoreAdjust: readOomScoreAdjust(files, pid),
    waitChannel:
      state === 'D'
        ? readWchan(files, pid)
        : absent(`/proc/${pid}/wchan`, 'disabled', 'it is read for tasks in uninterruptible sleep only'),
    scheduler: bothTimes(before?.scheduler, readSchedstat(files, pid, stat.value.threads), pid),
  };
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
