import type { Container } from '../../../containers/container.ts';
import { storageOf } from '../../../diagnose/file-system.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { DiskUse, DiskUsePart } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';

/** First what gives room now, then what bounds it from now on: by the kind that is largest. */
export function fixesFor(container: Container, fileSystem: FileSystemFacts, use: DiskUse): readonly Fix[] {
  const [part] = use.parts;
  const file = part?.largest[0];
  const room: Fix = {
    action: `Remove or empty what is not needed${file === undefined ? '' : `, first ${file.path}`}`,
    effect: file === undefined ? 'Gives room back at once' : `Gives ${sayBytes(file.size)} back at once`,
    risk: 'It is gone; what is open has to be emptied (truncate -s 0) instead, or nothing gets free',
  };
  return [room, ...(part === undefined ? [] : [boundOf(container, part)]), quotaFor(fileSystem, use)];
}

function boundOf({ pod }: Container, { kind, path }: DiskUsePart): Fix {
  if (kind === 'log')
    return {
      action:
        pod === null
          ? 'Let the engine rotate: docker run --log-opt max-size=10m --log-opt max-file=3, or log-opts in /etc/docker/daemon.json'
          : 'Let the kubelet rotate: containerLogMaxSize and containerLogMaxFiles',
      effect: 'The log stays below 30 MB; old lines are dropped',
      risk: 'Takes effect for containers that are made from then on',
    };
  if (pod !== null)
    return {
      action:
        kind === 'mount'
          ? 'Give the emptyDir a sizeLimit, or use a volume claim of its own'
          : 'Set resources.limits.ephemeral-storage in the pod’s spec',
      effect: 'The kubelet evicts the pod instead of filling the node',
      risk: 'It is measured every few seconds by a walk or by a project quota: short bursts get through',
    };
  return kind === 'writable-layer'
    ? {
        action:
          'Write to a volume of its own instead of the container’s layer, or bound the layer: docker run --storage-opt size=10G (overlay2 on XFS with pquota)',
        effect: 'ENOSPC meets this container alone',
        risk: 'The layer is lost when the container is made again',
      }
    : {
        action: `Give ${path} a file system of its own (a logical volume, a loop device), or let the program rotate what it keeps there`,
        effect: 'ENOSPC meets this container alone',
        risk: 'The data has to be moved once',
      };
}

/** Which quota there can be depends on the file system under it. */
function quotaFor(fileSystem: FileSystemFacts, { hostMounts }: DiskUse): Fix {
  const mount = shellWord(hostMounts[0] ?? fileSystem.mountPoint);
  const effect = 'The kernel refuses further blocks to this tree alone';
  switch (fileSystem.type) {
    case 'xfs':
      return {
        action: 'Set a project quota (XFS, mounted with prjquota)',
        command: `xfs_quota -x -c 'project -s -p DIRECTORY 42' -c 'limit -p bhard=10g 42' ${mount}`,
        effect,
        risk: 'prjquota has to be a mount option from the start; for / it is rootflags=prjquota',
      };
    case 'ext4':
      return {
        action: 'Set a project quota (ext4 with the features quota and project)',
        command: `tune2fs -O quota,project ${shellWord(fileSystem.source)}   # unmounted; then chattr -p 42 +P DIRECTORY; setquota -P 42 0 10G 0 0 ${mount}`,
        effect,
        risk: 'The feature can only be switched on while it is not mounted; needs CONFIG_QFMT_V2',
      };
    case 'btrfs':
      return {
        action: 'Limit the subvolume',
        command: `btrfs quota enable ${mount} && btrfs qgroup limit 10G DIRECTORY`,
        effect: `${effect} (EDQUOT)`,
        risk: 'Quota groups cost time with many snapshots',
      };
    default:
      return {
        action: `Set a quota on the file system under it (device ${storageOf(fileSystem)}): XFS with prjquota, ext4 with project, btrfs qgroups`,
        effect,
        risk: 'Not every file system can: see its manual',
      };
  }
}
