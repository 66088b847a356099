import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { DiskFacts } from '../../../observe/disks.ts';

export function fixesFor(device: string | undefined, disk: DiskFacts | undefined): readonly Fix[] {
  const raise: Fix =
    disk?.dirtyLimit !== undefined && device !== undefined
      ? {
          action: `Allow more dirty pages for this device, ${sayBytes(bytes(disk.dirtyLimit * 4))} say`,
          command: `echo ${disk.dirtyLimit * 4} > /sys/class/bdi/${device}/max_bytes`,
          effect: 'Longer bursts fit into the page cache before writers wait',
          risk: 'A longer sync, and more to lose when the power goes; it does not make the disk faster',
        }
      : {
          action:
            'Begin write-back earlier, so that it is even: lower vm.dirty_background_bytes, keep vm.dirty_bytes',
          command: 'sysctl -w vm.dirty_background_bytes=67108864',
          effect:
            'The disk starts on 64 MiB instead of on a tenth of all memory, and writers rarely reach the limit',
          risk: 'For the whole host; files that are soon deleted are written all the same',
        };
  return [
    {
      action: 'Write less, or at the disk’s pace: batch, compress, log less, drop files that nobody reads',
      effect: 'What it writes on average has to be less than the disk takes; buffers only help with bursts',
      risk: 'Work for its authors',
    },
    raise,
    {
      action: 'Give it a disk of its own, or a faster one',
      effect: 'Its writes no longer wait, nor do its neighbours’',
      risk: 'The data has to be moved once',
    },
  ];
}
