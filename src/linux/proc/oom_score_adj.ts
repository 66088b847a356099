import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';

/** /proc/<pid>/oom_score_adj: `-998`; from -1000 (never killed) to 1000, in thousandths of the memory at stake. */
export function parseOomScoreAdjust(text: string): number | undefined {
  const match = /^-?\d{1,4}$/.exec(text.trim());
  return match === null ? undefined : Number(match[0]);
}

export const readOomScoreAdjust = (files: KernelFiles, pid: ProcPid): Reading<number> =>
  readParsed(files, `/proc/${pid}/oom_score_adj`, parseOomScoreAdjust, 'one-record');
