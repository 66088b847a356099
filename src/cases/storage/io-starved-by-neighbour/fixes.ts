import type { Level } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import type { IoSample } from '../../../linux/cgroup/model.ts';
import type { CgroupPath } from '../../../linux/units.ts';

interface FixFacts {
  readonly io: { readonly own: Level<IoSample> };
}

export function fixesFor(
  { io }: FixFacts,
  device: string,
  taker: CgroupPath | undefined,
  byWeight: boolean,
): readonly Fix[] {
  const isV1 = io.own.version === 'v1';
  const who = taker ?? 'whoever writes the most';
  return [
    {
      action: `Limit ${who} on that disk${isV1 ? ' (v1: direct I/O and reads alone; buffered writes escape)' : ''}`,
      ...(taker === undefined || isV1
        ? {}
        : {
            command: `echo ${shellWord(`${device} wbps=20971520 rbps=20971520`)} > ${shellWord(`/sys/fs/cgroup${taker}/io.max`)}`,
          }),
      effect: 'The disk has time for this container',
      risk: 'The other one gets slower: choose what it can live with',
    },
    byWeight
      ? {
          action: 'Give it a higher weight: io.cost is on for that disk',
          command: `echo 'default 500' > ${shellWord(`${io.own.directory}/io.weight`)}`,
          effect: 'While both want the disk it gets five times the share of one with the usual 100',
          risk: 'Others on that disk get slower; the share counts among siblings, so cgroups above may need one too',
        }
      : {
          action:
            'Give them weights: BFQ as the scheduler of the disk, or io.cost, with a higher io.weight (blkio.bfq.weight) here',
          effect: 'Each gets its share only while both want the disk',
          risk: 'Costs some throughput on fast disks',
        },
    {
      action: 'Give one of them a disk of its own, or move the batch to another time',
      effect: 'They no longer meet',
      risk: 'The data has to be moved once',
    },
  ];
}
