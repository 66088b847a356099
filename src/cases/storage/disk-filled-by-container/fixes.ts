import type { Container } from '../../../containers/container.ts';
import { rotates } from '../../../diagnose/file-system.ts';
import { quotaFix } from '../../../diagnose/quota.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { DiskUse, DiskUsePart } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';

/** First what gives room now, then what bounds it from now on: by the kind that is largest. */
export function fixesFor(container: Container, fileSystem: FileSystemFacts, use: DiskUse): readonly Fix[] {
  const [part] = use.parts;
  const file = part?.largest[0];
  const empty: Fix | undefined =
    part?.kind === 'log'
      ? {
          action: `Empty its log, ${part.path}`,
          command: `truncate -s 0 ${shellWord(part.path)}`,
          effect: `Gives ${sayBytes(part.largest[0]?.size ?? part.bytes)} back at once; the engine goes on writing at its new end`,
          risk: 'What it said is gone; of Docker’s driver local the rest of the file cannot be read any more',
        }
      : undefined;
  const room: Fix = empty ?? {
    action: `Remove or empty what is not needed${file === undefined ? '' : `, first ${file.path}`}`,
    effect: file === undefined ? 'Gives room back at once' : `Gives ${sayBytes(file.size)} back at once`,
    risk: 'It is gone; what is open has to be emptied (truncate -s 0) instead, or nothing gets free',
  };
  return [room, ...(part === undefined ? [] : [boundOf(container, part)]), quotaFix(fileSystem, use)];
}

function boundOf({ engine, pod }: Container, { kind, path, keeper }: DiskUsePart): Fix {
  if (kind === 'log')
    return {
      action:
        pod !== null
          ? 'Let the kubelet rotate: containerLogMaxSize and containerLogMaxFiles'
          : engine === 'podman'
            ? 'Let it rotate: podman run --log-opt max-size=10m, or log_size_max in containers.conf'
            : `Let the engine ${keeper !== undefined && rotates(keeper) ? 'rotate sooner' : 'rotate'}: docker run --log-opt max-size=10m --log-opt max-file=3, or log-opts in /etc/docker/daemon.json`,
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
