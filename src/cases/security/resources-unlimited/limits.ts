import { type Chain, growth, type Level, levelsOf } from '../../../diagnose/facts.ts';
import { cpuLimitOf } from '../../../diagnose/usage.ts';
import type { CpuSample, MemorySample, PidsSample } from '../../../linux/cgroup/model.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';

/** The level that stops it first, and where; undefined when none on the whole chain does. */
export interface Tightest<S> {
  readonly level: Level<S>;
  readonly value: number;
}

/** A charge must fit the own cgroup and every ancestor, so the smallest limit of the chain is the one in force. */
function tightest<S>(
  chain: Chain<S>,
  limitOf: (sample: S) => number | undefined,
  nonsense: number,
): Tightest<S> | undefined {
  return levelsOf(chain)
    .flatMap(level => {
      const value = limitOf(level.last);
      return value === undefined || value >= nonsense ? [] : [{ level, value }];
    })
    .sort((a, b) => a.value - b.value)[0];
}

/** A limit above the memory of the machine limits nothing. */
export const memoryLimit = (
  chain: Chain<MemorySample>,
  hostMemory: Bytes,
): Tightest<MemorySample> | undefined =>
  tightest(chain, ({ limit }) => (limit.kind === 'max' ? undefined : limit.value), hostMemory);

/** PID_MAX_LIMIT of 64-bit kernels: no machine has more tasks. */
const mostTasks = 4 * 1024 * 1024;

export const pidsLimit = (chain: Chain<PidsSample>): Tightest<PidsSample> | undefined =>
  tightest(chain, ({ limit }) => (limit.kind === 'max' ? undefined : limit.value), mostTasks);

const mebibyte = 1024 * 1024;

/**
 * Half as much again as it needs now, and a tenth more than it ever needed. Page cache that can be dropped at once is no need;
 * of the peak, which counts all, as much is taken for cache as there is now.
 */
export function proposedMemory({ usage, breakdown, peak }: MemorySample): Bytes {
  const cache = breakdown.present ? breakdown.value : { inactiveFile: 0, file: 0 };
  const now = Math.max(usage - cache.inactiveFile, 0) * 1.5;
  const ever = peak.present ? Math.max(peak.value - cache.file, 0) * 1.1 : 0;
  const need = Math.max(now, ever);
  const step =
    need < 256 * mebibyte ? 32 * mebibyte : need < 2048 * mebibyte ? 128 * mebibyte : 512 * mebibyte;
  return bytes(Math.max(64 * mebibyte, Math.ceil(need / step) * step));
}

/** Twice as many tasks as it has now, no fewer than it ever had, and room for a shell to look into it. */
export const proposedTasks = ({ current, peak = 0 }: PidsSample): number =>
  Math.max(64, Math.ceil(Math.max(current * 2, peak * 1.25) / 64) * 64);

/** CPUs: double what it used in the window, in tenths; undefined where that is not known or a quota is in force. */
export function proposedCpus(chain: Chain<CpuSample>, windowMs: number): ProposedCpus | undefined {
  if (chain.shared) return undefined;
  const isLimited = levelsOf(chain).some(({ last }) => cpuLimitOf(last).kind === 'limit');
  const used = growth(chain.own, ({ usage }) => usage);
  if (isLimited || !used.present) return undefined;
  const cpus = used.value / 1000 / windowMs;
  return { used: cpus, value: Math.max(1, Math.ceil(cpus * 20)) / 10 };
}

export interface ProposedCpus {
  readonly used: number;
  readonly value: number;
}
