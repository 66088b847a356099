import { totalOf } from '../../histogram.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { ThrottleResult } from './result.ts';

const shown = 10;

export function view({ times, levels, threads }: ThrottleResult): View {
  if (levels.length === 0 && totalOf(times) === 0)
    return [sentence('No thread of the container was stopped by a CPU quota.')];
  return [
    { kind: 'histogram', title: 'stopped until it ran again', histogram: times },
    {
      kind: 'table',
      columns: [
        { title: 'PERIODS', align: 'right' },
        { title: 'STOPS', align: 'right' },
        { title: 'TIME', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'CGROUP WITH THE QUOTA', atLeast: 12 },
      ],
      rows: levels.map(({ periods, count, us, longestUs, cgroup }) => [
        String(periods),
        String(count),
        sayMicroseconds(us),
        sayMicroseconds(longestUs),
        cgroup ?? '?',
      ]),
    },
    {
      kind: 'table',
      columns: [
        { title: 'STOPS', align: 'right' },
        { title: 'TIME', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'THREAD', atLeast: 10 },
      ],
      rows: threads
        .slice(0, shown)
        .map(({ count, us, longestUs, name, thread }) => [
          String(count),
          sayMicroseconds(us),
          sayMicroseconds(longestUs),
          `${name} (${thread})`,
        ]),
    },
    ...(threads.length > shown ? [sentence(`… ${counted(threads.length - shown, 'more thread')}.`)] : []),
  ];
}
