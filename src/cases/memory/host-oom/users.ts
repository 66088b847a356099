import { smallestPage } from '../../../diagnose/memory-limit.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import type { OomCandidate, OomReport } from '../../../linux/kmsg/oom-report.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';

/** Memory that only a kill or swapping out would have given back. */
export const sizeOfCandidate = ({ resident, swapped }: OomCandidate): Bytes =>
  bytes((resident + swapped) * smallestPage);

/** The process that had the most, from the report's own table; undefined where oom_dump_tasks is off. */
export const largestUser = ({ candidates }: OomReport): OomCandidate | undefined =>
  candidates.toSorted((a, b) => sizeOfCandidate(b) - sizeOfCandidate(a))[0];

export const isVictim = ({ victims }: OomReport, { pid }: OomCandidate): boolean =>
  victims.some(victim => victim.pid === pid);

/** Who had the memory, against who died for it. */
export function sayUser(user: OomCandidate, report: OomReport): string {
  const size = sayBytes(sizeOfCandidate(user));
  if (isVictim(report, user)) return `It was itself the largest process, with ${size}`;
  const { victims } = report;
  const adjust = victims[0]?.oomScoreAdjust ?? 0;
  const why =
    adjust > user.oomScoreAdjust
      ? `; the victim had oom_score_adj ${adjust}, that one ${user.oomScoreAdjust}`
      : '';
  return `The most was used by ${user.name} (pid ${user.pid}), ${size}${why}`;
}
