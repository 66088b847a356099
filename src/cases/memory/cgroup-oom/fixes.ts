import type { Container } from '../../../containers/container.ts';
import {
  type MemoryChain,
  type MemoryLevel,
  memoryFile,
  roomierLimit,
  sayLevel,
  setLimitCommand,
} from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import type { Bytes } from '../../../linux/units.ts';
import type { FillingKind } from './filling.ts';

/** More room, as far as the measured need allows to say: it was cut off at the limit, so it is a lower bound. */
export function raiseFix(
  container: Container,
  chain: MemoryChain | undefined,
  level: MemoryLevel | undefined,
  limit: Bytes,
): Fix {
  const wanted = roomierLimit(limit);
  const need = `It needed more than ${sayBytes(limit)}; how much more is not known`;
  const risk = 'A leak only meets the next limit later; the host must have the memory';
  if (container.pod !== null) {
    const { namespace, name, container: inside } = container.pod;
    return {
      action: `Raise resources.limits.memory of ${inside} in the spec of pod ${namespace}/${name} to ${sayBytes(wanted)}`,
      effect: need,
      risk: `${risk}; the pod is made again`,
    };
  }
  if (chain === undefined || level === undefined) {
    const flag = container.engine === 'docker' || container.engine === 'podman' ? ' (--memory)' : '';
    return { action: `Start it again with a limit of ${sayBytes(wanted)}${flag}`, effect: need, risk };
  }
  const command = setLimitCommand(container, chain, level, wanted);
  return {
    action: `Raise the limit of ${sayLevel(chain, level)} from ${sayBytes(limit)} to ${sayBytes(wanted)}`,
    ...(command === undefined ? {} : { command }),
    effect: `${need}: under full load read ${baseName(memoryFile(level, 'peak'))} there and add a quarter`,
    risk,
  };
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The other way: less need, by what the limit was full of. */
export function needFix(kind: FillingKind, owner: string): Fix {
  const fixes: Readonly<Record<FillingKind, Fix>> = {
    anonymous: {
      action: `Find what ${owner} keeps: RssAnon under equal load, an hour apart`,
      effect:
        'Endless growth is a leak, a plateau a need. Set heap limits (-XX:MaxRAMPercentage, --max-old-space-size, GOMEMLIMIT) to three quarters of the cgroup limit',
      risk: 'A heap limit set too low costs garbage collection time',
    },
    shared: {
      action: 'Delete files from its tmpfs mounts and /dev/shm, or give those mounts a size below the limit',
      effect: 'Memory of tmpfs files is freed by deleting them only; without swap no reclaim can take it',
      risk: 'A writer gets ENOSPC at the size of the mount instead of a kill at the limit',
    },
    kernel: {
      action:
        'Find which kernel objects it holds: many small files, sockets or threads (memory.stat slab, kernel_stack, sock)',
      effect: 'Slab that belongs to open files, sockets and threads goes when they go',
      risk: 'No risk: it only reads',
    },
    file: {
      action:
        'Look for page cache that cannot be dropped: dirty pages on a slow disk, mlock, files mapped by many',
      effect:
        'Clean cache is dropped before anything is killed, so this cache was pinned or waited for the disk',
      risk: 'No risk: it only reads',
    },
  };
  return fixes[kind];
}
