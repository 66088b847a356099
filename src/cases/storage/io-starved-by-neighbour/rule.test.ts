import { expect, test } from 'vitest';
import {
  chain,
  common,
  diskFacts,
  fileSystem,
  host,
  ioPressure,
  ioSample,
  level,
  notThere,
  writer,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { DiskNeighbour } from '../../../diagnose/disk-neighbours.ts';
import type { IoLimit } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, cgroupPath } from '../../../linux/units.ts';
import type { BlockIoResult, BlockOwner } from '../../../trace/instruments/block-io/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;

const neighbour = (written: number, change: Partial<DiskNeighbour> = {}): DiskNeighbour => ({
  device: '7:0',
  path: cgroupPath('/box/batch'),
  isWriteBack: false,
  moved: { readBytes: bytes(0), writtenBytes: bytes(written), reads: 0, writes: 10 },
  containers: ['batch-7'],
  ...change,
});

const owner = (cgroup: string | null, written: number, change: Partial<BlockOwner> = {}): BlockOwner => ({
  number: '7:0',
  operation: 'write',
  cgroup: cgroup === null ? null : cgroupPath(cgroup),
  own: false,
  bytes: written,
  ...{ us: 20_000, count: 10, longestUs: 5000 },
  ...change,
});

const blockIo = (owners: readonly BlockOwner[]): BlockIoResult => ({
  ...{ engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1 },
  ...{ byCgroup: true, streams: [], senders: [], owners },
});

interface Scene {
  readonly own?: number;
  readonly total?: number;
  readonly busyMs?: number;
  readonly stalledMs?: number;
  readonly channels?: Readonly<Record<string, number>>;
  readonly limits?: readonly IoLimit[];
  readonly rootLimits?: readonly IoLimit[];
  readonly neighbours?: readonly DiskNeighbour[];
  /** io.cost is on for the disk. */
  readonly byWeight?: boolean;
  /** What `block-io` saw on 7:0, where it looked. */
  readonly owners?: readonly BlockOwner[];
}

function judge({
  own = MiB,
  total = 100 * MiB,
  busyMs = 990,
  stalledMs = 800,
  channels = {},
  limits = [],
  rootLimits = [],
  neighbours = [neighbour(90 * MiB)],
  owners,
  byWeight = false,
}: Scene) {
  const root = { limits: rootLimits, ...(byWeight ? { costOn: ['7:0'] } : {}) };
  return rule({
    ...common({ host: host({ disks: { '7:0': diskFacts({ written: total, busyMs, queuedMs: 12_000 }) } }) }),
    io: chain(
      level('/box/web-1', ioSample(own, { limits }), ioSample(0, { limits })),
      level('/', ioSample(total, root), ioSample(0, root)),
    ),
    diskNeighbours: neighbours,
    traced: owners === undefined ? notThere : present({ 'block-io': present(blockIo(owners)) }),
    pressure: present(chain(level('/box/web-1', ioPressure(stalledMs), ioPressure(0)))),
    processes: present([writer(own, channels)]),
    fileSystems: present([fileSystem()]),
  });
}

test('it waits, the disk is busy, and 99 % of that is a named neighbour’s', () => {
  expect(judge({})).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/99 % of that is others’ .*from the container batch-7/),
  });
});

test('write-back on v1 has no name: likely', () => {
  const neighbours = [neighbour(90 * MiB, { isWriteBack: true, path: cgroupPath('/'), containers: [] })];
  expect(judge({ neighbours })).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('write-back of the page cache'),
  });
});

const writeBack = [neighbour(90 * MiB, { isWriteBack: true, path: cgroupPath('/'), containers: [] })];

test('--deep: the pages that write-back sends are one neighbour’s, which proves it', () => {
  const owners = [
    owner('/box/batch', 80 * MiB),
    owner('/box/other', 8 * MiB),
    owner('/box/web-1', MiB, { own: true }),
    owner(null, MiB),
    owner('/box/elsewhere', 900 * MiB, { number: '8:0' }),
  ];
  expect(judge({ neighbours: writeBack, owners })).toMatchObject({
    certainty: 'proved',
    summary: expect.stringContaining('90 % of that was seen to be pages of the cgroup /box/batch'),
    evidence: expect.arrayContaining([
      expect.objectContaining({
        claim: expect.stringMatching(/^Seen: 90 %/),
        observed: '/box/batch: 80 MiB',
      }),
      expect.objectContaining({ observed: '10 of 1 MiB, 2 ms on average' }),
    ]),
  });
});

test.each<[string, readonly BlockOwner[]]>([
  [
    'nobody has most of it',
    [owner('/box/a', 30 * MiB), owner('/box/b', 30 * MiB), owner('/box/c', 30 * MiB)],
  ],
  ['most are pages of the kernel’s own', [owner(null, 80 * MiB), owner('/', 80 * MiB), owner('/box/a', MiB)]],
  ['its own were most while the trace looked', [owner('/box/web-1', 80 * MiB), owner('/box/a', MiB)]],
  ['nothing was seen on this disk', [owner('/box/a', 80 * MiB, { number: '8:0' })]],
])('--deep: still likely where %s', (_, owners) => {
  expect(judge({ neighbours: writeBack, owners })).toMatchObject({ kind: 'found', certainty: 'likely' });
});

test('io.cost holds it back before a disk that seems to have time: its weight is told, and a higher one the fix', () => {
  expect(judge({ busyMs: 300, byWeight: true })).toMatchObject({
    kind: 'found',
    summary: expect.stringMatching(/does all it may.*weight, and this container’s is \d+/),
    fixes: [{}, { command: expect.stringContaining('/io.weight') }, {}],
  });
  expect(judge({ busyMs: 300, byWeight: true, own: 60 * MiB }).kind).toBe('ruled-out');
});

test('a disk that a limit in the root cgroup makes slow is as fast as that', () => {
  const rootLimits: readonly IoLimit[] = [{ device: '7:0', kind: 'write-bytes', perSecond: 4 * MiB }];
  const scene = { own: 4096, total: 4 * MiB, busyMs: 10, rootLimits, neighbours: [neighbour(4 * MiB)] };
  expect(judge(scene)).toMatchObject({ kind: 'found' });
  expect(judge({ ...scene, rootLimits: [] }).kind).toBe('ruled-out');
});

test('a commit of the journal is no I/O to PSI: the looks tell', () => {
  expect(judge({ stalledMs: 0, channels: { jbd2_log_wait_commit: 15 } })).toMatchObject({ kind: 'found' });
});

test.each<[string, Scene]>([
  ['it hardly waits', { stalledMs: 50 }],
  ['the disk has time left', { busyMs: 300 }],
  ['it is its own load', { own: 90 * MiB }],
  ['two of them share', { own: 50 * MiB }],
  ['its own limit holds it back', { limits: [{ device: '7:0', kind: 'write-bytes', perSecond: MiB }] }],
  ['it waits for its own dirty pages', { channels: { balance_dirty_pages: 15 } }],
  ['it waits for a child', { stalledMs: 0, channels: { kernel_clone: 18 } }],
])('ruled out: %s', (_, scene) => {
  expect(judge(scene).kind).toBe('ruled-out');
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
