import type { RuleOf } from '../../../diagnose/case.ts';
import { roomEvidence, useOf } from '../../../diagnose/file-system.ts';
import { type Evidence, type Fix, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import type { definition } from './case.ts';

/**
 * Found: not one inode is free while there are free blocks. That is no threshold but the state in which the kernel
 * answers ENOSPC to everybody who makes a file.
 */
export const rule: RuleOf<typeof definition> = ({ fileSystems, diskUse }) => {
  const counted = fileSystems.filter(({ last }) => last.files > 0);
  const out = counted.filter(isOut);
  const [worst] = out;
  if (worst === undefined) return ruledOut(...quiet(fileSystems, counted));
  const use = useOf(worst, orElse(diskUse, []));
  const place = fullestPlace(use);
  return found({
    severity: 'critical',
    certainty: 'proved',
    summary: `All ${worst.last.files} inodes of ${worst.mountPoint} (${worst.type}) are in use, so no file, directory, link or socket can be made there: ENOSPC, although ${sayBytes(worst.last.available)} are free. Each needs one, however small it is.${place === undefined ? '' : ` The most names, ${place.entries}, are in ${place.path}.`}`,
    evidence: [
      ...out.map(inodeEvidence),
      roomEvidence(worst),
      ...(place === undefined
        ? []
        : [
            {
              claim: 'Directory with the most names',
              source: `ls -f ${place.path}`,
              observed: `${place.entries}`,
            },
          ]),
    ],
    excluded: [
      {
        claim: `Not a lack of room: ${sayShare(worst.last.available / worst.last.total)} of it is free`,
        source: `df ${worst.mountPoint}`,
        observed: sayBytes(worst.last.available),
      },
    ],
    fixes: fixesFor(worst, place),
  });
};

/** With blocks to spare: where those are gone too, it is the room that is missing. XFS counts what free room would give. */
const isOut = ({ last }: FileSystemFacts): boolean =>
  last.freeFiles === 0 && last.available > last.total * 0.02;

const inodeEvidence = ({ mountPoint, last }: FileSystemFacts): Evidence => ({
  claim: `No inode of ${mountPoint} is free`,
  source: `statfs ${mountPoint} f_ffree, f_files (df -i)`,
  observed: `${last.freeFiles} of ${last.files}`,
});

function quiet(all: readonly FileSystemFacts[], counted: readonly FileSystemFacts[]): readonly Evidence[] {
  const [least] = counted.toSorted(
    (a, b) => a.last.freeFiles / a.last.files - b.last.freeFiles / b.last.files,
  );
  if (least !== undefined)
    return [
      {
        claim: 'Inodes are left on every file system it may write to',
        source: `statfs ${least.mountPoint} f_ffree, f_files (df -i)`,
        observed: `${least.last.freeFiles} of ${least.last.files}`,
      },
    ];
  return [
    {
      claim: 'No file system that it may write to has a fixed number of inodes',
      source: 'statfs f_files, of each mount',
      observed: all.map(({ mountPoint, type }) => `${mountPoint} (${type})`).join(', ') || 'none',
    },
  ];
}

type Place = NonNullable<DiskUse['parts'][number]['fullest']>;

const fullestPlace = (use: DiskUse | undefined): Place | undefined =>
  use?.parts
    .flatMap(({ fullest }) => (fullest === undefined ? [] : [fullest]))
    .toSorted((a, b) => b.entries - a.entries)[0];

function fixesFor({ type, mountPoint, source }: FileSystemFacts, place: Place | undefined): readonly Fix[] {
  return [
    {
      action: `Remove files that nobody needs${place === undefined ? '' : `, first in ${place.path}`}, and let the program remove them itself`,
      effect: 'Each gives one inode back at once',
      risk: 'They are gone; those that are open keep their inode until they are closed',
    },
    {
      action:
        type === 'xfs'
          ? 'Allow more inodes: xfs_growfs -m on the host'
          : `Make the file system anew with more inodes, or grow it (ext4 adds inodes with each group)`,
      ...(type === 'ext4'
        ? { command: `mkfs.ext4 -i 4096 DEVICE   # not ${source}: all on it is lost` }
        : {}),
      effect: 'mkfs.ext4 makes one inode for 16 KiB by default; -i 4096 makes four times as many, 256 B each',
      risk: `All that is on ${mountPoint} has to be copied away and back`,
    },
    {
      action:
        'Keep many small things in one file (a database, an archive), or on a file system that makes inodes as it goes (XFS, btrfs)',
      effect: 'Their number no longer matters',
      risk: 'A change of the program or of the volume',
    },
  ];
}
