import type { Container } from '../containers/container.ts';
import { locateKernel } from '../linux/cgroup/layout.ts';
import type { CgroupLayout } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { absent, flatMapReading, mapReading, parsed, type Reading } from '../linux/reading.ts';
import { type Microseconds, microseconds } from '../linux/units.ts';

/** Nanoseconds on each CPU by its number, as text has them. */
export type CpuUse = readonly bigint[];

/** cpuacct.usage_percpu (kernel/sched/cpuacct.c), v1 only: `3052189 4121 0 0`, ns on each possible CPU in order. */
export function parseUsagePerCpu(text: string): CpuUse | undefined {
  const fields = text.trim().split(/\s+/);
  return fields.every(field => /^\d{1,20}$/.test(field)) ? fields.map(BigInt) : undefined;
}

/** For how long the container's own cgroup ran on each CPU so far. */
export function readCpuUse(
  files: KernelFiles,
  layout: CgroupLayout,
  { cgroups }: Container,
): Reading<CpuUse> {
  const directory = cgroups.cpu === undefined ? undefined : locateKernel(layout, 'cpuacct', cgroups.cpu);
  if (directory === undefined)
    return absent(
      'cpuacct.usage_percpu',
      'kernel-too-old',
      'cgroup v2 counts time on all CPUs together only',
    );
  const path = `${directory}/cpuacct.usage_percpu`;
  return flatMapReading(files.read(path), text => parsed(path, parseUsagePerCpu(text)));
}

/** Growth in the window, by CPU number; CPUs that it did not run on are left out. */
export const cpuUseBetween = (
  first: Reading<CpuUse>,
  last: Reading<CpuUse>,
): Reading<Readonly<Record<string, Microseconds>>> =>
  flatMapReading(first, then =>
    mapReading(last, now =>
      Object.fromEntries(
        now.flatMap((time, cpu) => {
          const grown = Number((time - (then[cpu] ?? time)) / 1000n);
          return grown > 0 ? [[String(cpu), microseconds(grown)]] : [];
        }),
      ),
    ),
  );
