import { totalOf } from '../../histogram.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { WritebackResult } from './result.ts';

const shown = 10;

export function view({ pauses, pauseUs, calls, last, writers }: WritebackResult): View {
  const limits =
    last === null
      ? ''
      : ` At last ${last.dirtyPages} dirty pages counted; the limit of the whole machine is ${last.limitPages}.`;
  if (writers.length === 0)
    return [
      sentence(
        calls === 0
          ? 'No thread of the container wrote enough to be asked to wait for the disk.'
          : `${counted(calls, 'time')} the kernel looked whether a writer of the container has to pause, and none had to.${limits}`,
      ),
    ];
  return [
    { kind: 'histogram', title: 'pause of a writer', histogram: pauses },
    {
      kind: 'table',
      columns: [
        { title: 'PAUSED', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'PAGES WRITTEN', align: 'right' },
        { title: 'DEVICE', atMost: 12 },
        { title: 'WRITER', atLeast: 10 },
      ],
      rows: writers
        .slice(0, shown)
        .map(({ us, count, longestUs, pages, device, name, pid }) => [
          sayMicroseconds(us),
          String(count),
          sayMicroseconds(longestUs),
          String(pages),
          device,
          `${name} (${pid})`,
        ]),
    },
    sentence(
      `Writers paused ${counted(totalOf(pauses), 'time')}, ${sayMicroseconds(pauseUs)} in all, in ${counted(calls, 'call')} of balance_dirty_pages().${limits}`,
    ),
  ];
}
