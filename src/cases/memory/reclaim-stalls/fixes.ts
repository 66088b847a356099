import type { Container } from '../../../containers/container.ts';
import { type MemoryChain, roomierLimit, sayLevel, setLimitCommand } from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { Pressed } from './pressed.ts';

export function fixesFor(
  container: Container,
  chain: MemoryChain,
  { level }: Pressed,
  isWritten: boolean,
): readonly Fix[] {
  const { limit, usage } = level.last;
  const wanted = roomierLimit(bytes((limit.kind === 'limit' ? limit.value : usage) * 2));
  const command = setLimitCommand(container, chain, level, wanted);
  const whose = container.pod === null ? sayLevel(chain, level) : container.pod.container;
  return [
    {
      action: `Raise the memory limit of ${whose} to ${sayBytes(wanted)}, so that there is room while the rest is written`,
      ...(command === undefined ? {} : { command }),
      effect: 'Bursts are taken in at the speed of memory, and written by the kernel afterwards',
      risk: 'The host must have the memory; a program that always writes faster than the disk fills any limit',
    },
    ...(isWritten ? [writeLess] : []),
    {
      action: 'Or let the program allocate, or read ahead, in smaller steps: fewer workers, smaller buffers',
      effect: 'Less room has to be made at once',
      risk: 'It may get slower for want of cache',
    },
  ];
}

const writeLess: Fix = {
  action:
    'Or bound what is dirty: fsync() or sync_file_range() every few MiB, O_DIRECT for bulk data, a faster disk; on cgroup v2 the kernel bounds it by itself',
  effect: 'Pages are clean when room is needed, and clean pages are taken back at once',
  risk: 'The program waits for the disk at places of its own choice instead',
};
