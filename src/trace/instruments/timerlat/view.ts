import { totalOf } from '../../histogram.ts';
import { sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import type { Whose } from '../softirq/result.ts';
import { timerKinds } from './decode.ts';
import type { TimerlatResult } from './result.ts';

const shown = 10;

const heldUp: Readonly<Record<Whose, string>> = {
  container: 'the container',
  others: 'others',
  ksoftirqd: 'ksoftirqd',
  idle: 'nobody, idle',
};

export function view({ limitUs, times, functions }: TimerlatResult): View {
  const ran = timerKinds.map(kind => counted(totalOf(times[kind]), kind)).join(', ');
  const histograms = timerKinds
    .filter(kind => totalOf(times[kind]) > 0)
    .map((kind): Block => ({ kind: 'histogram', title: `${kind}, all CPUs`, histogram: times[kind] }));
  if (functions.length === 0)
    return [...histograms, sentence(`None took ${sayMicroseconds(limitUs)} or longer; there ran ${ran}.`)];
  return [
    ...histograms,
    {
      kind: 'table',
      columns: [
        { title: 'FUNCTION', atLeast: 16 },
        { title: 'KIND' },
        { title: 'HELD UP' },
        { title: 'TIME', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
      ],
      rows: functions
        .slice(0, shown)
        .map(({ name, kind, whose, us, count, longestUs }) => [
          name,
          kind,
          heldUp[whose],
          sayMicroseconds(us),
          String(count),
          sayMicroseconds(longestUs),
        ]),
    },
    sentence(`Those of ${sayMicroseconds(limitUs)} and longer; there ran ${ran}.`),
  ];
}
