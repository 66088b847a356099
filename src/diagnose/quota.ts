import { dirname } from 'node:path/posix';
import type { DiskUse } from '../observe/disk-use.ts';
import type { FileSystemFacts } from '../observe/file-systems.ts';
import type { Fix } from './verdict.ts';
import { shellWord } from './wording.ts';

/** The file system that really holds it: under an overlay the one of the upper directory. */
interface Holder {
  readonly type: string;
  readonly source: string;
  readonly mount: string;
  readonly hasProjects: boolean;
  /** What a project would be given; `DIRECTORY` where the host's path of it is not known. */
  readonly directory: string;
}

/** Mount options: XFS has both spellings, and `pqnoenforce` counts without refusing. */
const projects = /^(?:pquota|prjquota)$/;

function holderOf({ type, source, superOptions, upper, hostPath }: FileSystemFacts, use: DiskUse): Holder {
  const on = upper?.on ?? { type, source, superOptions, mountPoint: use.hostMounts[0] ?? '/' };
  // Docker's and Podman's layers have their work directory beside the upper one, in a directory of their own.
  const directory = upper === undefined ? hostPath : dirname(upper.path);
  return {
    type: on.type,
    source: on.source,
    mount: on.mountPoint,
    hasProjects: on.superOptions.some(option => projects.test(option)),
    directory: directory ?? 'DIRECTORY',
  };
}

/** How a limit is set for this tree, by what the file system under it can do. */
export function quotaFix(fileSystem: FileSystemFacts, use: DiskUse): Fix {
  const holder = holderOf(fileSystem, use);
  const effect = 'The kernel refuses further blocks to this tree alone';
  const engine =
    fileSystem.upper === undefined ? '' : ', or docker run --storage-opt size=10G when it is made again';
  switch (holder.type) {
    case 'xfs':
      return holder.hasProjects
        ? {
            action: `Set a project quota (XFS, mounted with prjquota)${engine}`,
            command: setOnXfs(holder),
            effect,
            risk: 'The number must be no other project’s; files that are there already count too',
          }
        : {
            action: 'Mount its XFS with prjquota, then set a project quota',
            command: `umount ${shellWord(holder.mount)}; mount -o prjquota ${shellWord(holder.source)} ${shellWord(holder.mount)}; ${setOnXfs(holder)}`,
            effect,
            risk: 'It cannot be switched on by a remount; for / it is rootflags=prjquota on the kernel’s command line',
          };
    case 'ext4':
      return holder.hasProjects
        ? {
            action: 'Set a project quota (ext4, mounted with prjquota)',
            command: setOnExt4(holder),
            effect,
            risk: 'The number must be no other project’s; files that are there already count too',
          }
        : {
            action: 'Switch project quotas on (ext4, features quota and project), then set one',
            command: `umount ${shellWord(holder.mount)}; tune2fs -O quota,project ${shellWord(holder.source)}; mount -o prjquota ${shellWord(holder.source)} ${shellWord(holder.mount)}; ${setOnExt4(holder)}`,
            effect,
            risk: `Only while it is not mounted; needs CONFIG_QFMT_V2${fileSystem.upper === undefined ? '' : '; Docker’s --storage-opt size wants XFS all the same'}`,
          };
    case 'btrfs':
      return {
        action: 'Limit the subvolume',
        command: `btrfs quota enable ${shellWord(holder.mount)} && btrfs qgroup limit 10G ${shellWord(holder.directory)}`,
        effect: `${effect} (EDQUOT)`,
        risk: 'A directory that is no subvolume cannot be limited; quota groups cost time with many snapshots',
      };
    default:
      return {
        action: `Give it a file system of its own, or one that has quotas: XFS with prjquota, ext4 with project, btrfs${holder.type === 'overlay' ? '' : `; ${holder.type} has none for a directory`}`,
        effect,
        risk: 'The data has to be moved once',
      };
  }
}

const setOnXfs = ({ directory, mount }: Holder): string =>
  `xfs_quota -x -c ${shellWord(`project -s -p ${directory} 42`)} -c 'limit -p bhard=10g 42' ${shellWord(mount)}`;

const setOnExt4 = ({ directory, mount }: Holder): string =>
  `chattr -R -p 42 +P ${shellWord(directory)}; setquota -P 42 0 10G 0 0 ${shellWord(mount)}`;
