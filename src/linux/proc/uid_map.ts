import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import { parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/**
 * A line of /proc/<pid>/uid_map or gid_map (user_namespaces(7)): `         0     100000      65536`. `outside`
 * is as the *reader's* user namespace numbers it.
 */
export interface IdMapping {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Empty for a user namespace whose map was not written yet: everybody is the overflow id there. */
export function parseIdMap(text: string): readonly IdMapping[] | undefined {
  const mappings: IdMapping[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [inside, outside, count] = line.trim().split(/ +/).map(parseCount);
    if (inside === undefined || outside === undefined || count === undefined) return undefined;
    mappings.push({ inside, outside, count });
  }
  return mappings;
}

/** What an id inside is outside; null when it has no counterpart. */
export function outsideId(map: readonly IdMapping[], inside: number): number | null {
  const mapping = map.find(each => inside >= each.inside && inside < each.inside + each.count);
  return mapping === undefined ? null : mapping.outside + (inside - mapping.inside);
}

export const readUidMap = (files: KernelFiles, pid: ProcPid): Reading<readonly IdMapping[]> =>
  readParsed(files, `/proc/${pid}/uid_map`, parseIdMap);
