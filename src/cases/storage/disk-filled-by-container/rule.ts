import type { RuleOf } from '../../../diagnose/case.ts';
import {
  hasProjectQuota,
  inodeEvidence,
  isFull,
  isShared,
  partEvidence,
  roomEvidence,
  sayRoom,
  usedOn,
  useOf,
} from '../../../diagnose/file-system.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { isNearlyFull } from '../../../linux/below.ts';
import { bytes } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type Holding, holdingOf } from './holding.ts';

/** Of what is used: below it somebody else is to be asked first. */
const muchOfUsed = 0.25;
/** Per second; with it the rest of a nearly full disk is a matter of minutes. */
const fastBytes = 2 ** 20;

/**
 * Found: a file system that the host or other containers write to as well is full, or nearly and getting less in the
 * window, and this container is the one that holds a large part of it or is writing it full. Nothing bounds it there:
 * no project quota.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { fileSystems, diskUse } = facts;
  const short = fileSystems.filter(({ last }) => isNearlyFull(last));
  if (short.length === 0) return ruledOut(...roomLeft(fileSystems));
  if (!diskUse.present) return inconclusive(diskUse);
  const cleared: Evidence[] = [];
  for (const fileSystem of short) {
    const use = useOf(fileSystem, diskUse.value);
    if (use === undefined) continue;
    const holding = holdingOf(fileSystem, use, facts);
    const owner = clearedBy(fileSystem, use, holding);
    if (owner === undefined) return judge(facts, fileSystem, use, holding);
    cleared.push(roomEvidence(fileSystem), owner);
  }
  return ruledOut(...cleared);
};

type RuleFacts = Parameters<typeof rule>[0];

function clearedBy(fileSystem: FileSystemFacts, use: DiskUse, holding: Holding): Evidence | undefined {
  const { mountPoint } = fileSystem;
  if (hasProjectQuota(fileSystem, use))
    return {
      claim: 'A project quota bounds it',
      source: `statfs ${mountPoint}`,
      observed: 'less than the host sees',
    };
  if (!isShared(use))
    return {
      claim: 'Nobody else has this file system: it fills only its own',
      source: '/proc/<pid>/mountinfo of all mount namespaces',
      observed: fileSystem.device,
    };
  const share = holding.bytes / Math.max(1, usedOn(fileSystem));
  const growing = holding.growth >= fastBytes;
  const isIt = (isFull(fileSystem) && share >= muchOfUsed) || (growing && !isFull(fileSystem));
  if (isIt) return undefined;
  return {
    claim: `It holds ${sayShare(share)} of what is used there${holding.complete ? '' : ' at least'}`,
    source: `du, of its parts on ${mountPoint}`,
    observed: `${holding.bytes} of ${usedOn(fileSystem)} bytes`,
  };
}

function judge(facts: RuleFacts, fileSystem: FileSystemFacts, use: DiskUse, holding: Holding) {
  const full = isFull(fileSystem);
  const [largest] = use.parts;
  const others = [
    ...use.hostMounts.map(path => `the host (${path})`),
    ...use.sharers.map(({ name, pid }) => `${name} (pid ${pid})`),
  ];
  const grows =
    holding.growth >= fastBytes
      ? ` It wrote ${sayBytes(bytes(holding.growth))} per second in the window.`
      : '';
  const file = largest?.largest[0];
  return found({
    severity: full ? 'critical' : 'warning',
    certainty: 'proved',
    summary: `${full ? 'Nothing is' : 'Little is'} left on the file system under ${fileSystem.mountPoint}: ${sayRoom(fileSystem)}. This container holds ${holding.complete ? '' : 'at least '}${sayBytes(holding.bytes)} of the ${sayBytes(usedOn(fileSystem))} used${file === undefined ? '' : `, most of it in ${file.path} (${sayBytes(file.size)})`}.${grows} ${others.length === 0 ? 'Others' : `${others.slice(0, 3).join(', ')}`} write there too and meet the same ENOSPC; no quota bounds it.`,
    evidence: [
      roomEvidence(fileSystem),
      ...partEvidence(use),
      ...holding.deletedEvidence,
      ...(holding.growth > 0
        ? [
            {
              claim: 'What its processes wrote to storage, per second',
              source: '/proc/<pid>/io write_bytes',
              observed: `${holding.growth} bytes`,
            },
          ]
        : []),
      ...others.slice(0, 3).map(who => ({
        claim: 'Who else needs room there',
        source: '/proc/<pid>/mountinfo, same device',
        observed: who,
      })),
    ],
    excluded: [
      {
        claim: 'No project quota: it sees the whole file system',
        source: `statfs ${fileSystem.mountPoint}, and on the host`,
        observed: String(fileSystem.last.total),
      },
      ...inodeEvidence(fileSystem),
    ],
    fixes: fixesFor(facts.container, fileSystem, use),
  });
}

function roomLeft(fileSystems: readonly FileSystemFacts[]): readonly Evidence[] {
  const [least] = fileSystems.toSorted(
    (a, b) => a.last.available / a.last.total - b.last.available / b.last.total,
  );
  return least === undefined
    ? [
        {
          claim: 'It may write to no file system on a disk',
          source: '/proc/<pid>/mountinfo',
          observed: 'none',
        },
      ]
    : [roomEvidence(least)];
}
