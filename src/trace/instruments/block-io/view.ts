import { quantile } from '../../histogram.ts';
import { sayBytes, sayMicroseconds } from '../../say.ts';
import { type Block, counted, sentence, type View } from '../../view.ts';
import type { BlockIoResult, BlockOwner } from './result.ts';

const shown = 8;

export function view({ streams, senders, owners = [], byCgroup }: BlockIoResult): View {
  if (streams.length === 0)
    return [
      ...ownersTable(owners),
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
    ...ownersTable(owners),
    ...(byCgroup
      ? []
      : [
          sentence(
            'It has no io cgroup of its own: only what its own threads sent to the device is counted.',
          ),
        ]),
  ];
}

/** Who else kept the devices busy, and its own part of it. */
function ownersTable(owners: readonly BlockOwner[]): readonly Block[] {
  if (owners.every(({ own }) => own)) return [];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'DEVICE', atMost: 16 },
        { title: 'WHAT' },
        { title: 'REQUESTS', align: 'right' },
        { title: 'BYTES', align: 'right' },
        { title: 'PAGES OF', atMost: 40 },
      ],
      rows: owners
        .slice(0, shown)
        .map(({ number, operation, count, bytes, cgroup, own }) => [
          number,
          operation,
          String(count),
          sayBytes(bytes),
          own ? 'this container' : (cgroup ?? 'the kernel, or who is gone'),
        ]),
    },
  ];
}
