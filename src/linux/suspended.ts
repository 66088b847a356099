import type { KernelFiles } from './files.ts';
import { readUptime } from './proc/host/uptime.ts';
import { type Microseconds, microseconds } from './units.ts';

/** Less than this between two readings of two clocks is the reading itself. */
const noticeable = 1_000_000;

/**
 * How long the host was suspended since boot: /proc/uptime (CLOCK_BOOTTIME) goes on meanwhile, CLOCK_MONOTONIC, which
 * Node's hrtime is, does not, and neither does the clock that stamps the kernel log. Undefined when it never was.
 */
export function readSuspended(files: KernelFiles): Microseconds | undefined {
  const uptime = files.root === '/' ? readUptime(files) : undefined;
  if (!uptime?.present) return undefined;
  const asleep = uptime.value - Number(process.hrtime.bigint() / 1000n);
  return asleep >= noticeable ? microseconds(Math.round(asleep)) : undefined;
}
