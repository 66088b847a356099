import { readFileSync } from 'node:fs';

/** A process for good: the pid alone may be another process later. Start time in clock ticks since boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: number;
}

interface Stat {
  readonly state: string;
  readonly start: number;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process now. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, start: stat.start };
}

/** A zombie counts as ended: it holds neither memory nor cgroup nor namespace. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.start === start && stat.state !== 'Z' && stat.state !== 'X';
}

export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Blocks this thread: undo must also work from an `exit` handler, where nothing asynchronous runs any more. */
export function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Polls with growing pauses, 1 to 50 ms. */
export function waitSync(done: () => boolean, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; !done(); pause = Math.min(pause * 2, 50)) {
    if (performance.now() > deadline) return false;
    sleepSync(pause);
  }
  return true;
}

/** True when it is gone afterwards, whoever ended it. */
export function killSync(identity: ProcessIdentity, timeoutMs = 5000): boolean {
  if (!isAlive(identity)) return true;
  signalQuietly(identity.pid, 'SIGKILL');
  return waitSync(() => !isAlive(identity), timeoutMs);
}

/** ESRCH is the wanted state, and EPERM shows as "still alive" afterwards. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // See above.
  }
}
