import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { type Limit, limitOf, noLimit, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** getrlimit(2) as /proc/<pid>/limits shows it. */
export interface ResourceLimit {
  readonly soft: Limit<number>;
  readonly hard: Limit<number>;
}

const parseLimit = (text: string | undefined): Limit<number> | undefined => {
  if (text === 'unlimited') return noLimit;
  const value = parseCount(text);
  return value === undefined ? undefined : limitOf(value);
};

/** By the kernel's own names: `Max open files            1024                 524288               files`. */
export function parseLimits(text: string): ReadonlyMap<string, ResourceLimit> | undefined {
  const limits = new Map<string, ResourceLimit>();
  for (const line of text.split('\n')) {
    const match = /^(Max [a-z ]+?) +(unlimited|\d+) +(unlimited|\d+)(?: |$)/.exec(line);
    const soft = parseLimit(match?.[2]);
    const hard = parseLimit(match?.[3]);
    if (match?.[1] !== undefined && soft !== undefined && hard !== undefined)
      limits.set(match[1], { soft, hard });
  }
  return limits.size === 0 ? undefined : limits;
}

export const readLimits = (files: KernelFiles, pid: ProcPid): Reading<ReadonlyMap<string, ResourceLimit>> =>
  readParsed(files, `/proc/${pid}/limits`, parseLimits);
