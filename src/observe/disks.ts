import type { DiskCounters, DiskStat } from '../linux/proc/host/diskstats.ts';
import { absent, orElse, type Reading } from '../linux/reading.ts';
import type { Bytes } from '../linux/units.ts';

/** A block device or partition of the host at the two ends of the window. */
export interface DiskFacts {
  /** As under /dev: `loop0`. */
  readonly name: string;
  readonly first: DiskCounters;
  readonly last: DiskCounters;
  /** Dirty pages that may wait for it, where it has a limit of its own (bdi strict_limit). */
  readonly dirtyLimit?: Bytes;
}

/** By number (`7:0`) those that did anything in the window or have it in hand. One that is left out was idle. */
export function disksBetween(
  first: Reading<readonly DiskStat[]>,
  last: Reading<readonly DiskStat[]>,
  dirtyLimitOf: (device: string) => Reading<Bytes> = () => absent('bdi', 'disabled', 'not asked for'),
): { readonly disks?: Readonly<Record<string, DiskFacts>> } {
  if (!first.present || !last.present) return {};
  const before = new Map(orElse(first, []).map(disk => [disk.device, disk]));
  const disks: Record<string, DiskFacts> = {};
  for (const { device, name, ...after } of last.value) {
    const earlier = before.get(device);
    if (earlier === undefined || !isSameDevice(earlier, after)) continue;
    const { device: _, name: __, ...counters } = earlier;
    if (after.inFlight === 0 && after.busy === counters.busy) continue;
    const limit = dirtyLimitOf(device);
    disks[device] = {
      name,
      first: counters,
      last: after,
      ...(limit.present ? { dirtyLimit: limit.value } : {}),
    };
  }
  return { disks };
}

/** Counters of a device that was removed and made again start anew. */
const isSameDevice = (before: DiskCounters, after: DiskCounters): boolean =>
  after.reads >= before.reads && after.writes >= before.writes && after.busy >= before.busy;
