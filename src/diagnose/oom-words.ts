import type { OomReport, OomVictim } from '../linux/kmsg/oom-report.ts';
import { type Bytes, bytes, type Microseconds } from '../linux/units.ts';

/** What the rules about kills say alike. */
export const sayAge = (age: Microseconds): string => {
  const seconds = Math.round(age / 1_000_000);
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
};

export const sizeOf = ({ anonymous, file, shared }: OomVictim): Bytes => bytes(anonymous + file + shared);

/** The one the report names in its `oom-kill:` line comes first; a group kill adds others. */
export const largestVictim = ({ victims }: OomReport): OomVictim | undefined =>
  [...victims].sort((a, b) => sizeOf(b) - sizeOf(a))[0];

/** Amounts as the report has them. */
export const kib = (value: Bytes): string => `${Math.round(value / 1024)}kB`;

/** Where in the log: the stamp that dmesg and /dev/kmsg show. */
export const logSource = ({ at }: OomReport): string => `kernel log, [${(at / 1_000_000).toFixed(6)}]`;
