import type { KernelFiles } from '../linux/files.ts';
import { readSoftnetStat, type SoftnetCpu } from '../linux/net/softnet_stat.ts';
import { readSoftirqs, type SoftirqCounts } from '../linux/proc/host/softirqs.ts';
import type { HostStat } from '../linux/proc/host/stat.ts';
import { flatMapReading, mapReading, orElse, type Reading } from '../linux/reading.ts';
import { type Microseconds, microseconds } from '../linux/units.ts';

/** What one CPU did in the window that was nobody's program. */
export interface CpuSoftirqs {
  readonly cpu: number;
  /**
   * In softirqs, and in interrupts. Without IRQ_TIME_ACCOUNTING the kernel looks a hundred to a thousand times a second:
   * an estimate, and work that hides between the ticks is missed.
   */
  readonly softirqTime: Microseconds;
  readonly interruptTime: Microseconds;
  /** Runs of each kind, those that ran. */
  readonly runs: Readonly<Record<string, number>>;
  readonly packets: number;
  readonly dropped: number;
  readonly squeezed: number;
  /** Times that another CPU handed it packets (RPS). */
  readonly steered: number;
}

export interface SoftirqSample {
  readonly runs: Reading<SoftirqCounts>;
  readonly network: Reading<ReadonlyMap<number, SoftnetCpu>>;
}

export const sampleSoftirqs = (files: KernelFiles): SoftirqSample => ({
  runs: readSoftirqs(files),
  network: readSoftnetStat(files),
});

/** USER_HZ. */
const tick = 10_000;
const nothing: SoftnetCpu = { packets: 0, dropped: 0, squeezed: 0, steered: 0 };

/** CPUs that were online in both samples. */
export function softirqsBetween(
  [first, last]: readonly [Reading<HostStat>, Reading<HostStat>],
  [before, after]: readonly [SoftirqSample, SoftirqSample],
): Reading<readonly CpuSoftirqs[]> {
  return flatMapReading(first, then =>
    mapReading(last, now =>
      [...now.cpus].flatMap(([cpu, times]) => {
        const earlier = then.cpus.get(cpu);
        if (earlier === undefined) return [];
        return [
          {
            cpu,
            softirqTime: microseconds(Math.max(0, times.softInterrupt - earlier.softInterrupt) * tick),
            interruptTime: microseconds(Math.max(0, times.interrupt - earlier.interrupt) * tick),
            runs: grownRuns(before.runs, after.runs, cpu),
            ...grownNetwork(before.network, after.network, cpu),
          },
        ];
      }),
    ),
  );
}

function grownRuns(before: SoftirqSample['runs'], after: SoftirqSample['runs'], cpu: number) {
  const then = orElse(before, new Map()).get(cpu) ?? {};
  const now = orElse(after, new Map()).get(cpu) ?? {};
  return Object.fromEntries(
    Object.entries(now).flatMap(([kind, count]) => {
      const grown = Number(count) - Number(then[kind] ?? 0);
      return grown > 0 ? [[kind, grown]] : [];
    }),
  );
}

function grownNetwork(
  before: SoftirqSample['network'],
  after: SoftirqSample['network'],
  cpu: number,
): SoftnetCpu {
  const then = orElse(before, new Map<number, SoftnetCpu>()).get(cpu) ?? nothing;
  const now = orElse(after, new Map<number, SoftnetCpu>()).get(cpu) ?? nothing;
  // 32 bits: they wrap.
  const grown = (name: keyof SoftnetCpu): number => (now[name] - then[name]) >>> 0;
  return {
    packets: grown('packets'),
    dropped: grown('dropped'),
    squeezed: grown('squeezed'),
    steered: grown('steered'),
  };
}
