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
  writer,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { DiskNeighbour } from '../../../diagnose/disk-neighbours.ts';
import type { IoLimit } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, cgroupPath } from '../../../linux/units.ts';
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

interface Scene {
  readonly own?: number;
  readonly total?: number;
  readonly busyMs?: number;
  readonly stalledMs?: number;
  readonly channels?: Readonly<Record<string, number>>;
  readonly limits?: readonly IoLimit[];
  readonly rootLimits?: readonly IoLimit[];
  readonly neighbours?: readonly DiskNeighbour[];
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
}: Scene) {
  const root = { limits: rootLimits };
  return rule({
    ...common({ host: host({ disks: { '7:0': diskFacts({ written: total, busyMs, queuedMs: 12_000 }) } }) }),
    io: chain(
      level('/box/web-1', ioSample(own, { limits }), ioSample(0, { limits })),
      level('/', ioSample(total, root), ioSample(0, root)),
    ),
    diskNeighbours: neighbours,
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
