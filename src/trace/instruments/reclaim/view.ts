import { sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import type { ReclaimResult, ReclaimSums } from './result.ts';

const shown = 10;

export function view({ cgroup, machine, waiters }: ReclaimResult): View {
  if (cgroup.count === 0 && machine.count === 0)
    return [sentence('No thread of the container had to free memory before it got some.')];
  return [
    ...part('reclaim for a memory limit', cgroup),
    ...part('reclaim because the machine is short', machine),
    {
      kind: 'table',
      columns: [
        { title: 'WAITED', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'PAGES FREED', align: 'right' },
        { title: 'THREAD', atLeast: 10 },
      ],
      rows: waiters
        .slice(0, shown)
        .map(({ us, count, longestUs, pages, name, pid }) => [
          sayMicroseconds(us),
          String(count),
          sayMicroseconds(longestUs),
          String(pages),
          `${name} (${pid})`,
        ]),
    },
  ];
}

const part = (
  title: string,
  { times, count, us, longestUs, pages, failed }: ReclaimSums,
): readonly Block[] =>
  count === 0
    ? []
    : [
        { kind: 'histogram', title, histogram: times },
        sentence(
          `${counted(count, 'time')}, ${sayMicroseconds(us)} in all, ${sayMicroseconds(longestUs)} at most; ${counted(pages, 'page')} freed${failed > 0 ? `; ${failed} of them freed nothing` : ''}.`,
        ),
      ];
