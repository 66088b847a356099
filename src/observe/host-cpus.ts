import type { CpuTimes, HostStat } from '../linux/proc/host/stat.ts';
import type { Reading } from '../linux/reading.ts';
import { type Microseconds, microseconds } from '../linux/units.ts';
import type { HostFacts } from './observation.ts';

/** USER_HZ is 100 on every architecture Node runs on: 10 ms. */
const tick = 10_000;

/** Guest time is within user time. Waiting for a disk is idle time, and what was stolen ran elsewhere. */
const busy = ({ user, nice, system, interrupt, softInterrupt }: CpuTimes): number =>
  user + nice + system + interrupt + softInterrupt;

const idle = (times: CpuTimes): number => times.idle + times.ioWait;

/** CPUs that were online in both samples. Busy and idle leave out of the window what was stolen. */
export function busyBetween(
  first: Reading<HostStat>,
  last: Reading<HostStat>,
): Pick<HostFacts, 'cpuBusy' | 'cpuIdle'> {
  if (!first.present || !last.present) return {};
  const cpuBusy: Record<string, Microseconds> = {};
  const cpuIdle: Record<string, Microseconds> = {};
  for (const [cpu, times] of last.value.cpus) {
    const before = first.value.cpus.get(cpu);
    if (before === undefined) continue;
    const grown = (part: (times: CpuTimes) => number): Microseconds =>
      microseconds(Math.max(0, part(times) - part(before)) * tick);
    cpuBusy[cpu] = grown(busy);
    cpuIdle[cpu] = grown(idle);
  }
  return { cpuBusy, cpuIdle };
}
