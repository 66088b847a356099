import { quantile } from '../../histogram.ts';
import { sayBytes, sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import type { BlockIoResult } from './result.ts';

const shown = 8;

export function view({ streams, senders, byCgroup }: BlockIoResult): View {
  if (streams.length === 0)
    return [
      sentence(
        'No request of the container went to a block device: what it read was cached, and what it wrote is not written back, or not under its name.',
      ),
    ];
  return [
    ...streams.slice(0, 4).flatMap(({ device, operation, times, sizes }): readonly Block[] => [
      { kind: 'histogram', title: `${device} ${operation}: time`, histogram: times },
      { kind: 'histogram', title: `${device} ${operation}: size`, histogram: sizes },
    ]),
    {
      kind: 'table',
      columns: [
        { title: 'DEVICE', atMost: 16 },
        { title: 'WHAT' },
        { title: 'REQUESTS', align: 'right' },
        { title: 'BYTES', align: 'right' },
        { title: 'MEAN', align: 'right' },
        { title: '99 % BELOW', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'ERRORS', align: 'right' },
      ],
      rows: streams.map(({ device, number, operation, count, bytes, us, longestUs, times, errors }) => [
        `${device} ${number}`,
        operation,
        String(count),
        sayBytes(bytes),
        sayMicroseconds(us / Math.max(1, count)),
        sayMicroseconds(quantile(times, 0.99) ?? 0),
        sayMicroseconds(longestUs),
        String(errors),
      ]),
    },
    sentence(
      `Sent by ${senders
        .slice(0, shown)
        .map(({ name, pid, operation, count }) => `${name} (${pid}): ${counted(count, operation)}`)
        .join(', ')}${senders.length > shown ? ', …' : ''}.`,
    ),
    ...(byCgroup
      ? []
      : [
          sentence(
            'It has no io cgroup of its own: only what its own threads sent to the device is counted.',
          ),
        ]),
  ];
}
