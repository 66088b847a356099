import type { Container } from '../../../containers/container.ts';
import { type MemoryChain, roomierLimit, sayLevel, setLimitCommand } from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { Pressed } from './pressed.ts';

export function fixesFor(
  container: Container,
  chain: MemoryChain,
  { level, atHigh }: Pressed,
  isWritten: boolean,
): readonly Fix[] {
  const { limit, high, usage } = level.last;
  const bound = atHigh && high.present && high.value.kind === 'limit' ? high.value.value : undefined;
  const hard = limit.kind === 'limit' ? limit.value : usage;
  const wanted = roomierLimit(bytes((bound ?? hard) * 2));
  const command =
    bound === undefined
      ? setLimitCommand(container, chain, level, wanted)
      : `echo ${wanted} > ${shellWord(`${level.directory}/memory.high`)}`;
  const whose = container.pod === null ? sayLevel(chain, level) : container.pod.container;
  return [
    {
      action: `Raise ${bound === undefined ? 'the memory limit' : 'memory.high'} of ${whose} to ${sayBytes(wanted)}, so that there is room while the rest is written`,
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
