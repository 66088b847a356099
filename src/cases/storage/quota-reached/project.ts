import type { Container } from '../../../containers/container.ts';
import { inodeEvidence, partEvidence, roomEvidence, useOf } from '../../../diagnose/file-system.ts';
import { type Evidence, found, type Verdict } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount } from '../../../diagnose/wording.ts';
import { isAtLimit, type ProjectQuota } from '../../../linux/syscalls/project-quota.ts';
import { bytes } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import { fixesFor } from './fixes.ts';

export interface Passed {
  readonly fileSystem: FileSystemFacts;
  readonly quota: ProjectQuota;
  /** grace: past the soft limit, and writes go on until the time of grace is over. */
  readonly which: 'hard' | 'soft' | 'grace';
}

/** What the kernel itself says of the project (quotactl(2)), wherever statfs(2) shows its limit or not. */
export function passedLimit(fileSystem: FileSystemFacts, now: number): readonly Passed[] {
  const { quota } = fileSystem;
  if (quota === undefined) return [];
  if (isAtLimit(quota)) return [{ fileSystem, quota, which: 'hard' }];
  if (quota.soft === undefined || quota.used <= quota.soft || quota.graceEnds === undefined) return [];
  return [{ fileSystem, quota, which: quota.graceEnds * 1000 <= now ? 'soft' : 'grace' }];
}

export function judgeProject(
  { fileSystem, quota, which }: Passed,
  uses: readonly DiskUse[],
  container: Container,
): Verdict {
  const { upper } = fileSystem;
  const use = useOf(fileSystem, uses) ?? {
    device: fileSystem.device,
    parts: [],
    hostMounts: upper?.on === undefined ? [] : [upper.on.mountPoint],
    sharers: [],
  };
  const limit = (which === 'hard' ? quota.hard : quota.soft) ?? bytes(0);
  const rest = use.hostRoom?.available;
  const refused =
    which === 'grace'
      ? `Writes go on until ${sayMoment(quota)}, and fail with ${refusal(fileSystem)} from then on`
      : `A write there fails with ${refusal(fileSystem)}`;
  return found({
    severity: which === 'grace' ? 'warning' : 'critical',
    certainty: 'proved',
    summary: `Project ${quota.project}, which all on ${sayPlace(fileSystem)} belongs to, has ${sayBytes(quota.used)} of its ${which === 'hard' ? 'hard' : 'soft'} limit of ${sayBytes(limit)}, in ${sayCount(quota.files, 'file')}. ${refused}${rest === undefined ? '' : `, although the file system has ${sayBytes(rest)} free`}. Nobody else is hurt: that is what the limit is for.`,
    evidence: [...projectEvidence(fileSystem), roomEvidence(fileSystem), ...partEvidence(use)],
    excluded: [
      ...(rest === undefined
        ? []
        : [
            {
              claim: 'Not the disk: the host has room on the same file system',
              source: `statfs ${use.hostMounts[0] ?? '/'} on the host`,
              observed: `${rest} bytes`,
            },
          ]),
      ...inodeEvidence(fileSystem),
    ],
    fixes: fixesFor(fileSystem, use, true, container),
  });
}

const sayPlace = ({ mountPoint, type, upper, hostPath }: FileSystemFacts): string =>
  upper === undefined
    ? `${mountPoint} (${type})`
    : `${mountPoint} (an overlay whose writable layer ${hostPath ?? upper.path} is on ${upper.on?.type ?? 'it'})`;

const sayMoment = ({ graceEnds = 0 }: ProjectQuota): string => new Date(graceEnds * 1000).toISOString();

/** Its number and what is charged to it, as anybody can ask. */
export function projectEvidence({ mountPoint, quota, hostPath }: FileSystemFacts): readonly Evidence[] {
  if (quota === undefined) return [];
  const { project, used, hard, soft } = quota;
  return [
    {
      claim: `Charged to project ${project}`,
      source: `FS_IOC_FSGETXATTR of ${hostPath ?? mountPoint}; quotactl Q_XGETQUOTA`,
      observed: `${used} bytes; hard limit ${hard ?? 'none'}, soft ${soft ?? 'none'}`,
    },
  ];
}

/** What write(2) says: xfs_trans_dqresv() has a project run out of room, ext4_mb_new_blocks() has it over its quota. */
export const refusal = ({ type, upper }: FileSystemFacts): string =>
  (upper?.on?.type ?? type) === 'ext4' ? 'EDQUOT' : 'ENOSPC';
