import { sayMicroseconds } from '../../say.ts';
import { addTotals, noTotal } from '../../total.ts';
import { sentence, type View } from '../../view.ts';
import { byVector } from './decode.ts';
import type { SoftirqResult, Whose } from './result.ts';

const shown = 10;

const charged: Readonly<Record<Whose, string>> = {
  container: 'the container',
  others: 'others',
  ksoftirqd: 'ksoftirqd',
  idle: 'nobody, idle',
};

export function view({ vectors, functions, takenUs, seconds }: SoftirqResult): View {
  if (vectors.length === 0) return [sentence('No softirq ran.')];
  const all = vectors.reduce(addTotals, noTotal);
  return [
    {
      kind: 'table',
      columns: [
        { title: 'VECTOR' },
        { title: 'FROM IT', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'ON ALL CPUS', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
      ],
      rows: byVector(vectors).map(({ vector, taken, all: whole }) => [
        vector,
        sayMicroseconds(taken.us),
        String(taken.count),
        sayMicroseconds(taken.longestUs),
        sayMicroseconds(whole.us),
        String(whole.count),
        sayMicroseconds(whole.longestUs),
      ]),
    },
    {
      kind: 'table',
      columns: [
        { title: 'FUNCTION', atLeast: 16 },
        { title: 'KIND' },
        { title: 'CHARGED TO' },
        { title: 'TIME', align: 'right' },
        { title: 'TIMES', align: 'right' },
        { title: 'LONGEST', align: 'right' },
      ],
      rows: functions
        .slice(0, shown)
        .map(({ name, kind, whose, us, count, longestUs }) => [
          name,
          kind,
          charged[whose],
          sayMicroseconds(us),
          String(count),
          sayMicroseconds(longestUs),
        ]),
    },
    sentence(
      `Softirqs took ${sayMicroseconds(takenUs)} from the container's threads in ${seconds.toFixed(1)} s, of ${sayMicroseconds(all.us)} on all CPUs. The kernel charges them to the thread that they interrupt.`,
    ),
  ];
}
