import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';

export function fixesFor(
  fileSystem: FileSystemFacts,
  use: DiskUse,
  quota: boolean,
  container: Container,
): readonly Fix[] {
  const [part] = use.parts;
  const [largest] = part?.largest ?? [];
  return [
    {
      action: `Remove what is not needed${largest === undefined ? '' : `, first ${largest.path} (${sayBytes(largest.size)})`}, and let the program bound it`,
      effect: 'Writes succeed again at once',
      risk: 'What is removed is gone; a file that is open keeps its blocks until it is closed',
    },
    quota ? raiseQuota(fileSystem, use, container) : grow(fileSystem),
  ];
}

function raiseQuota(
  { type, last, upper, quota, hostPath }: FileSystemFacts,
  { hostMounts }: DiskUse,
  { engine, pod }: Container,
): Fix {
  const more = bytes((quota?.hard ?? last.total) * 1.5);
  const megabytes = Math.ceil(more / 2 ** 20);
  const mount = shellWord(upper?.on?.mountPoint ?? hostMounts[0] ?? '/');
  const project = quota?.project ?? 'PROJECT';
  const where =
    quota === undefined ? `   # its number: lsattr -pd ${shellWord(hostPath ?? 'DIRECTORY')}` : '';
  const common = {
    effect: `Half as much again, ${sayBytes(more)}, at once`,
    risk: 'The disk has to have it; what other projects were promised may be less',
  };
  if (pod !== null)
    return {
      action: 'Raise resources.limits.ephemeral-storage, or the size of the volume claim, in the pod’s spec',
      ...common,
    };
  if (type === 'overlay' && engine === 'docker')
    return {
      action: `Make it again with a larger layer: docker run --storage-opt size=${megabytes}m …`,
      effect: `Half as much again, ${sayBytes(more)}`,
      risk: 'Its writable layer is lost: what has to stay belongs into a volume',
    };
  if ((upper?.on?.type ?? type) === 'xfs')
    return {
      action: 'Raise the project’s limit',
      command: `xfs_quota -x -c 'limit -p bhard=${megabytes}m ${project}' ${mount}${where}`,
      ...common,
    };
  return {
    action: 'Raise the project’s limit',
    command: `setquota -P ${project} 0 ${Math.ceil(more / 1024)} 0 0 ${mount}${where}`,
    ...common,
  };
}

function grow({ type, source, mountPoint }: FileSystemFacts): Fix {
  const command =
    type === 'xfs'
      ? `xfs_growfs ${shellWord(mountPoint)}`
      : type === 'btrfs'
        ? `btrfs filesystem resize max ${shellWord(mountPoint)}`
        : `resize2fs ${shellWord(source)}`;
  return {
    action: `Grow the volume under ${source} (lvextend; a loop device: truncate and losetup --set-capacity), then the file system`,
    command,
    effect: 'More room, without an interruption',
    risk: 'Cannot be taken back while it is mounted',
  };
}
