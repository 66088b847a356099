import { openKernelFiles } from '../linux/files.ts';
import { readEnviron } from '../linux/proc/environ.ts';
import { readBootId } from '../linux/proc/host/boot_id.ts';
import { listProcesses } from '../linux/proc/process.ts';
import { readStat } from '../linux/proc/stat.ts';
import { orElse } from '../linux/reading.ts';
import { hostPid } from '../linux/units.ts';

/** A process for good: the pid alone may be another process later. Start time in clock ticks since boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: number;
}

const files = openKernelFiles();

/** Undefined when there is no such process now. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(files, hostPid(pid));
  return stat.present ? { pid, start: stat.value.startTime } : undefined;
}

/** A zombie counts as ended: it holds neither memory nor namespace, and its cgroup can be removed. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  const stat = readStat(files, hostPid(pid));
  return stat.present && stat.value.startTime === start && !/[ZX]/.test(stat.value.state);
}

export const bootId = (): string => orElse(readBootId(files), 'unknown');

/** Blocks this thread: undo must also work from an `exit` handler, where nothing asynchronous runs any more. */
function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Polls with growing pauses, 1 to 50 ms; false when time is up. */
export function waitSync(done: () => boolean, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; !done(); pause = Math.min(pause * 2, 50)) {
    if (performance.now() > deadline) return false;
    sleepSync(pause);
  }
  return true;
}

/** True when it is gone afterwards, whoever ended it. */
export function killSync(identity: ProcessIdentity, timeoutMs: number): boolean {
  if (isAlive(identity)) signalQuietly(identity.pid, 'SIGKILL');
  return waitSync(() => !isAlive(identity), timeoutMs);
}

/** In the environment of everything a run starts, until the container's own program has a clean one. */
export const runVariable = 'GLASSBOX_LAB';

/**
 * Processes of a run that its journal may not list: those between their start and the handshake with their
 * owner. They would end by themselves when the owner is gone, but a moment after an undo that did not wait.
 */
export function processesOfRun(run: string): readonly ProcessIdentity[] {
  return orElse(listProcesses(files), [])
    .filter(
      pid => pid !== process.pid && orElse(readEnviron(files, pid), noVariables).get(runVariable) === run,
    )
    .map(identify)
    .filter(identity => identity !== undefined);
}
const noVariables: ReadonlyMap<string, string> = new Map();

/** ESRCH is the wanted state, and EPERM shows as "still alive" afterwards. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // See above.
  }
}
