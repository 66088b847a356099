import type { Container } from '../containers/container.ts';
import type { MemorySample } from '../linux/cgroup/model.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import { type Chain, type Level, levelsOf } from './facts.ts';
import { shellWord } from './wording.ts';

/** What the memory rules share: which file holds a figure, which level limits, how a limit is changed. */
export type MemoryLevel = Level<MemorySample>;
export type MemoryChain = Chain<MemorySample>;

const fileNames = {
  usage: { v1: 'memory.usage_in_bytes', v2: 'memory.current' },
  limit: { v1: 'memory.limit_in_bytes', v2: 'memory.max' },
  peak: { v1: 'memory.max_usage_in_bytes', v2: 'memory.peak' },
  hits: { v1: 'memory.failcnt', v2: 'memory.events.local' },
  kills: { v1: 'memory.oom_control', v2: 'memory.events.local' },
  stat: { v1: 'memory.stat', v2: 'memory.stat' },
} as const;

/** The file that holds a figure, as somebody would open it by hand. */
export const memoryFile = ({ directory, version }: MemoryLevel, figure: keyof typeof fileNames): string =>
  `${directory}/${fileNames[figure][version]}`;

/** A level that has a limit, with its number. */
export interface LimitedLevel {
  readonly level: MemoryLevel;
  readonly limit: Bytes;
}

/** All levels with a limit, own first. Whichever fills first acts, at whatever height. */
export const limitedLevels = (chain: MemoryChain): readonly LimitedLevel[] =>
  levelsOf(chain).flatMap(level =>
    level.last.limit.kind === 'limit' ? [{ level, limit: level.last.limit.value }] : [],
  );

/** The level that is nearest to its limit, which is the one that acts next. */
export function tightestLevel(chain: MemoryChain): LimitedLevel | undefined {
  const share = ({ level, limit }: LimitedLevel): number => level.last.usage / Math.max(1, limit);
  return [...limitedLevels(chain)].sort((a, b) => share(b) - share(a))[0];
}

/** 4 KiB on x86 and most arm64 kernels; where pages are larger, amounts counted in them are at least this. */
export const smallestPage = bytes(4096);

/**
 * The kernel charges per-CPU batches of 64 pages (MEMCG_CHARGE_BATCH, mm/memcontrol.c), so a full cgroup stays
 * short of its limit by up to that much on each CPU.
 */
export const reachesLimit = (amount: Bytes, limit: Bytes, cpus: number): boolean =>
  amount >= limit - Math.max(limit * 0.02, Math.min(64 * smallestPage * cpus, limit * 0.1));

/** Whose cgroup it is, for a sentence: `its own cgroup`, `/user.slice (shared with others)`, `/kubepods (a cgroup above it)`. */
export function sayLevel(chain: MemoryChain, level: MemoryLevel): string {
  if (level.path !== chain.own.path) return `${level.path} (a cgroup above it)`;
  return chain.shared ? `${level.path} (shared with others)` : 'its own cgroup';
}

/** Half as much again, in steps that look deliberate. */
export function roomierLimit(limit: Bytes): Bytes {
  const wanted = limit * 1.5;
  const step = 2 ** Math.max(20, Math.floor(Math.log2(wanted)) - 3);
  return bytes(Math.ceil(wanted / step) * step);
}

/**
 * The command that gives a level another memory limit; undefined where a hand-made change would be undone by
 * what manages the container (a pod's limit belongs into its spec).
 */
export function setLimitCommand(
  container: Container,
  chain: MemoryChain,
  level: MemoryLevel,
  limit: Bytes,
): string | undefined {
  if (container.pod !== null) return undefined;
  const isOwn = level.path === chain.own.path;
  if (isOwn && (container.engine === 'docker' || container.engine === 'podman')) {
    return `${container.engine} update --memory ${mebibytes(limit)} --memory-swap ${swapOption(level, limit)} ${shellWord(container.name)}`;
  }
  const write = (file: string): string => `echo ${limit} > ${shellWord(file)}`;
  const { swap } = level.last;
  // v1 keeps memory <= memory+swap, so the sum has to be raised first.
  const sumIsLower =
    swap.present &&
    swap.value.limitMeans === 'memory-and-swap' &&
    swap.value.limit.kind === 'limit' &&
    swap.value.limit.value < limit;
  const command = write(memoryFile(level, 'limit'));
  return sumIsLower ? `${write(`${level.directory}/memory.memsw.limit_in_bytes`)} && ${command}` : command;
}

/**
 * Docker refuses a memory limit above the old sum of memory and swap unless the sum is given too; the same
 * amount of swap as before stays allowed.
 */
function swapOption({ last }: MemoryLevel, limit: Bytes): string {
  if (!last.swap.present || last.swap.value.limit.kind === 'max') return '-1';
  const { limitMeans, limit: swapLimit } = last.swap.value;
  const memory = last.limit.kind === 'limit' ? last.limit.value : swapLimit.value;
  const allowed = limitMeans === 'swap' ? swapLimit.value : swapLimit.value - memory;
  return mebibytes(bytes(limit + Math.max(0, allowed)));
}

const mebibytes = (value: Bytes): string => `${Math.ceil(value / 2 ** 20)}m`;
