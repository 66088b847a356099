import { quantile } from '../../histogram.ts';
import { sayMicroseconds, saySharePercent } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { RunqResult } from './result.ts';

const shown = 10;

export function view(result: RunqResult): View {
  const { waits, count, waitedUs, longestUs, idleUs, ownUs, othersUs, takers } = result;
  if (count === 0)
    return [sentence('No thread of the container was given a CPU: all slept, or ran through.')];
  const often = quantile(waits, 0.99);
  return [
    { kind: 'histogram', title: 'wait for a CPU', histogram: waits },
    sentence(
      `Waited ${counted(count, 'time')}, ${sayMicroseconds(waitedUs)} in all, ${sayMicroseconds(longestUs)} at most; 99 % of the waits were below ${sayMicroseconds(often ?? 0)}.`,
    ),
    ...(takers.length === 0
      ? [sentence('No wait above 20 µs had anybody else on the CPU.')]
      : [
          {
            kind: 'table' as const,
            columns: [
              { title: 'OF THE WAIT', align: 'right' as const },
              { title: 'TIME', align: 'right' as const },
              { title: 'WHO HAD THE CPU', atMost: 30 },
              { title: 'CGROUP (CPU)', atLeast: 12 },
            ],
            rows: takers
              .slice(0, shown)
              .map(({ us, name, pid, own, cgroup }) => [
                saySharePercent(us, waitedUs),
                sayMicroseconds(us),
                `${name} (${pid})${own ? ', its own' : ''}`,
                cgroup ?? '?',
              ]),
          },
        ]),
    sentence(
      `${saySharePercent(othersUs, waitedUs)} of the wait while others had the CPU, ${saySharePercent(ownUs, waitedUs)} while its own threads had it, ${saySharePercent(idleUs, waitedUs)} for a sleeping CPU to wake up; what is left were waits too short to ask, or too many turns.`,
    ),
  ];
}
