import type { RuleOf } from '../../../diagnose/case.ts';
import {
  hasProjectQuota,
  inodeEvidence,
  isFull,
  isShared,
  partEvidence,
  roomEvidence,
  sayRoom,
  useOf,
} from '../../../diagnose/file-system.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { judgeProject, passedLimit, projectEvidence, refusal } from './project.ts';

/**
 * Found: nothing is left of what is this container's alone (a project quota, or a file system of its own), while the
 * host's disk has room. A full file system that others use too is storage/disk-filled-by-container.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { fileSystems, diskUse, container } = facts;
  const [passed] = fileSystems.flatMap(each => passedLimit(each, Date.parse(facts.observedAt)));
  if (passed !== undefined) return judgeProject(passed, orElse(diskUse, []), container);
  const full = fileSystems.filter(isFull);
  if (full.length === 0)
    return ruledOut(
      ...fileSystems.slice(0, 3).map(roomEvidence),
      ...fileSystems.flatMap(projectEvidence).slice(0, 2),
      ...none(fileSystems),
    );
  if (!diskUse.present) return inconclusive(diskUse);
  const limited = full.flatMap(fileSystem => {
    const use = useOf(fileSystem, diskUse.value);
    if (use === undefined) return [];
    // Where the kernel was asked, it has said that the project's limit is not reached.
    const quota = fileSystem.quota === undefined && hasProjectQuota(fileSystem, use);
    return quota || !isShared(use) ? [{ fileSystem, use, quota }] : [];
  });
  const [worst] = limited;
  if (worst === undefined) return ruledOut(...full.flatMap(each => shared(each, useOf(each, diskUse.value))));
  const { fileSystem, use, quota } = worst;
  const what = quota
    ? `the project quota on ${fileSystem.mountPoint} (${fileSystem.type})`
    : `the file system ${fileSystem.mountPoint} (${fileSystem.type} on ${fileSystem.source}), which is its alone`;
  const rest = quota ? use.hostRoom : use.hostRoot;
  return found({
    severity: 'critical',
    certainty: 'proved',
    summary: `Nothing is left of ${what}: ${sayRoom(fileSystem)}. A write there fails with ${quota ? refusal(fileSystem) : 'ENOSPC'}${rest === undefined ? '' : `, although the host’s disk has ${sayBytes(rest.available)} free`}. Nobody else is hurt: that is what the limit is for.`,
    evidence: [roomEvidence(fileSystem), ...hostEvidence(use, quota), ...partEvidence(use)],
    excluded: [
      {
        claim: quota
          ? 'Not the disk: the host sees room where the container does not'
          : 'Not the host’s disk: another file system, and nobody else has it',
        source: quota
          ? `statfs ${use.hostMounts[0] ?? '/'}`
          : '/proc/<pid>/mountinfo of all mount namespaces',
        observed: quota ? sayBytes(use.hostRoom?.available ?? fileSystem.last.available) : fileSystem.device,
      },
      ...inodeEvidence(fileSystem),
    ],
    fixes: fixesFor(fileSystem, use, quota, container),
  });
};

const none = (all: readonly FileSystemFacts[]): readonly Evidence[] =>
  all.length > 0
    ? []
    : [
        {
          claim: 'It may write to no file system on a disk',
          source: '/proc/<pid>/mountinfo',
          observed: 'none',
        },
      ];

function hostEvidence({ hostMounts, hostRoom, hostRoot }: DiskUse, quota: boolean): readonly Evidence[] {
  const room = quota ? hostRoom : hostRoot;
  if (room === undefined) return [];
  const path = quota ? (hostMounts[0] ?? '/') : '/';
  return [
    {
      claim: quota ? 'The same file system, as the host sees it' : 'The host’s own disk',
      source: `statfs ${path} on the host`,
      observed: `${room.available} of ${room.total} bytes`,
    },
  ];
}

function shared(fileSystem: FileSystemFacts, use: DiskUse | undefined): readonly Evidence[] {
  const others = orElseList(use);
  return [
    roomEvidence(fileSystem),
    {
      claim: 'No limit of its own: it is full for others too',
      source: '/proc/<pid>/mountinfo of all mount namespaces',
      observed: others,
    },
  ];
}

const orElseList = (use: DiskUse | undefined): string =>
  use === undefined
    ? 'not known'
    : [...use.hostMounts.map(path => `host ${path}`), ...use.sharers.map(({ name }) => name)].join(', ') ||
      'not known';
