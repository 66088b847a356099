import type { Bytes, Limit, Microseconds } from '../../linux/units.ts';

/** `212M`, `3.9G`, `0`: binary multiples, two digits where they tell something. */
export function formatBytes(value: Bytes | number): string {
  const units = ['B', 'K', 'M', 'G', 'T', 'P'];
  let amount: number = value;
  let unit = 0;
  while (Math.abs(amount) >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  if (unit === 0) return amount === 0 ? '0' : `${amount}B`;
  return `${amount < 10 ? amount.toFixed(1).replace(/\.0$/, '') : Math.round(amount)}${units[unit]}`;
}

export const formatLimit = <T>(limit: Limit<T>, format: (value: T) => string): string =>
  limit.kind === 'max' ? '–' : format(limit.value);

/** `318 ms`, `2.4 s`. */
export function formatMicroseconds(value: Microseconds | number): string {
  if (value < 1000) return `${Math.round(value)} µs`;
  if (value < 1_000_000) return `${Math.round(value / 1000)} ms`;
  return `${(value / 1_000_000).toFixed(1)} s`;
}

/** Age in the largest whole unit: `4 h`, `2 d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Age of an ISO time at another; `–` when unknown. */
export const formatSince = (startedAt: string | null, now: string): string =>
  startedAt === null ? '–' : formatAge(Date.parse(now) - Date.parse(startedAt));
