import { type Chain, type Level, levelsOf } from '../../../diagnose/facts.ts';
import type { MemorySample, PidsSample } from '../../../linux/cgroup/model.ts';
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

/** Half as much again as it needs now: page cache that can be dropped at once is not need. */
export function proposedMemory({ usage, breakdown }: MemorySample): Bytes {
  const idleCache = breakdown.present ? breakdown.value.inactiveFile : 0;
  const need = Math.max(usage - idleCache, 0) * 1.5;
  const step =
    need < 256 * mebibyte ? 32 * mebibyte : need < 2048 * mebibyte ? 128 * mebibyte : 512 * mebibyte;
  return bytes(Math.max(64 * mebibyte, Math.ceil(need / step) * step));
}

/** Twice as many tasks as it has now, and room for a shell to look into it. */
export const proposedTasks = ({ current }: PidsSample): number =>
  Math.max(64, Math.ceil((current * 2) / 64) * 64);
