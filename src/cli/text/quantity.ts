import { inBinaryUnits, sayTime } from '../../diagnose/wording.ts';
import type { FigureReader } from '../../lab/lab.ts';
import { type Limit, microseconds } from '../../linux/units.ts';

/** `212M`, `3.9G`, `0`: for columns, where findings say `212 MiB`. */
export function formatBytes(value: number): string {
  const { amount, unit } = inBinaryUnits(value);
  if (unit === 'B') return amount === 0 ? '0' : `${amount}B`;
  return `${amount < 10 ? amount.toFixed(1).replace(/\.0$/, '') : Math.round(amount)}${unit[0]}`;
}

/** A lab's figure in its unit. */
export function formatFigure(unit: FigureReader['unit'], value: number): string {
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'us':
      return sayTime(microseconds(value));
    case 'percent':
      return `${Math.round(value)} %`;
    case 'count':
      return String(value);
  }
}

export const formatLimit = <T>(limit: Limit<T>, format: (value: T) => string): string =>
  limit.kind === 'max' ? '–' : format(limit.value);

/** Age in the largest whole unit: `4 h`, `2 d`. */
function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Age of an ISO time at another; `–` when unknown. */
export const formatSince = (startedAt: string | null, now: string): string =>
  startedAt === null ? '–' : formatAge(Date.parse(now) - Date.parse(startedAt));
