import { type Chain, type Level, levelsOf } from '../../../diagnose/facts.ts';
import type { CpuSample } from '../../../linux/cgroup/model.ts';
import type { Microseconds } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** The smallest CPU quota on the way to the root: the true size of the container. */
export interface TrueLimit {
  readonly level: Level<CpuSample>;
  readonly quota: Microseconds;
  readonly period: Microseconds;
  /** In CPUs: 0.5. */
  readonly cpus: number;
}

export function trueLimit(chain: Chain<CpuSample>): TrueLimit | undefined {
  return levelsOf(chain)
    .flatMap(level => {
      if (!level.last.quota.present) return [];
      const { quota, period } = level.last.quota.value;
      if (quota.kind === 'max' || period === 0) return [];
      return [{ level, quota: quota.value, period, cpus: quota.value / period }];
    })
    .toSorted((a, b) => a.cpus - b.cpus)[0];
}

/** As many threads as the limit is worth, and no fewer than one. */
export const wholeCpus = ({ cpus }: TrueLimit): number => Math.max(1, Math.ceil(cpus));

/** Java (8u191 and later) sizes its pools by the quota: its many threads say nothing. */
const readsQuota = ({ commandLine }: ProcessFacts): boolean => /(^|\/)java$/.test(commandLine[0] ?? '');

/**
 * Processes with at least as many threads as the CPUs they see, most threads first. With fewer, whatever they think
 * of the machine has done no harm yet.
 */
export const followers = (processes: readonly ProcessFacts[], visible: number): readonly ProcessFacts[] =>
  processes
    .filter(
      process => process.status.state !== 'Z' && process.status.threads >= visible && !readsQuota(process),
    )
    .toSorted((a, b) => b.status.threads - a.status.threads);
