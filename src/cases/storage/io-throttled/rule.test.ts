import { expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  diskFacts,
  host,
  ioPressure,
  ioSample,
  level,
  notThere,
  writer,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Level } from '../../../diagnose/facts.ts';
import type { CgroupVersion, IoLimit, IoSample } from '../../../linux/cgroup/model.ts';
import { absent, present } from '../../../linux/reading.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const writes = (perSecond: number, kind: IoLimit['kind'] = 'write-bytes'): IoLimit => ({
  device: '7:0',
  kind,
  perSecond,
});

const cgroup = (
  written: number,
  limits: readonly IoLimit[] = [],
  path = '/box/web-1',
  version: CgroupVersion = 'v1',
): Level<IoSample> => level(path, ioSample(written, { limits }), ioSample(0, { limits }), version);

interface Scene {
  readonly above?: readonly Level<IoSample>[];
  readonly stalledMs?: number;
  readonly busyMs?: number;
  readonly change?: Partial<Parameters<typeof rule>[0]>;
}

const judge = (own: Level<IoSample>, { above = [], stalledMs = 900, busyMs = 10, change }: Scene = {}) =>
  rule({
    ...common({ host: host({ disks: { '7:0': diskFacts({ busyMs }) } }) }),
    io: chain(own, ...above),
    pressure: present(chain(level('/box/web-1', ioPressure(stalledMs), ioPressure(0)))),
    processes: notThere,
    ...change,
  });

test('what the limit allows, while tasks wait and the disk does not', () => {
  expect(judge(cgroup(8 * MiB, [writes(8 * MiB)]))).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /On loop0 \(7:0\) it moved 8 MiB per second, which is what its own cgroup/,
    ),
    fixes: [
      {
        command: expect.stringContaining(
          `echo '7:0 ${16 * MiB}' > /sys/fs/cgroup/test/box/web-1/blkio.throttle`,
        ),
      },
      {},
      {},
    ],
  });
});

test('operations have a limit of their own', () => {
  expect(judge(cgroup(8 * MiB, [writes(32, 'writes')]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('32 per second'),
  });
});

test('v2: a cgroup above limits; on v1 that limit does not act', () => {
  const limits = [writes(8 * MiB)];
  expect(
    judge(cgroup(2 * MiB, [], '/box/web-1', 'v2'), { above: [cgroup(8 * MiB, limits, '/box', 'v2')] }),
  ).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('/box, a cgroup above it'),
    fixes: [
      { command: expect.stringContaining("'7:0 wbps=16777216' > /sys/fs/cgroup/test/box/io.max") },
      {},
      {},
    ],
  });
  const v1 = judge(cgroup(8 * MiB), { above: [cgroup(8 * MiB, limits, '/box')] });
  expect(v1.kind).toBe('ruled-out');
  expect(v1.kind === 'ruled-out' && v1.evidence.at(-1)?.claim).toContain('flat');
});

test('a short wait at the limit is by design: a notice', () => {
  expect(judge(cgroup(8 * MiB, [writes(8 * MiB)]), { stalledMs: 200 })).toMatchObject({ severity: 'notice' });
});

test('bursts below the limit that wait for an idle disk: likely', () => {
  expect(judge(cgroup(4 * MiB, [writes(8 * MiB)]))).toMatchObject({ kind: 'found', certainty: 'likely' });
  expect(judge(cgroup(4 * MiB, [writes(8 * MiB)]), { busyMs: 900 }).kind).toBe('ruled-out');
});

test('without PSI the looks at its tasks tell', () => {
  const change = { pressure: notThere, processes: present([writer(0, { submit_bio_wait: 18 })]) };
  expect(judge(cgroup(8 * MiB, [writes(8 * MiB)]), { change })).toMatchObject({
    kind: 'found',
    severity: 'warning',
  });
  const vfork = { pressure: notThere, processes: present([writer(0, { kernel_clone: 18 })]) };
  expect(judge(cgroup(8 * MiB, [writes(8 * MiB)]), { change: vfork }).kind).toBe('ruled-out');
});

test.each<[string, Level<IoSample>, Scene]>([
  ['no limit', cgroup(80 * MiB), {}],
  ['far below the limit', cgroup(MiB, [writes(8 * MiB)]), {}],
  ['that much by its own rhythm, without waiting', cgroup(8 * MiB, [writes(8 * MiB)]), { stalledMs: 5 }],
  ['a limit on reading, and it writes', cgroup(8 * MiB, [writes(8 * MiB, 'read-bytes')]), {}],
])('ruled out: %s', (_, own, scene) => {
  expect(judge(own, scene).kind).toBe('ruled-out');
});

test('a cgroup that was made again has no rate', () => {
  const own = { ...cgroup(8 * MiB, [writes(8 * MiB)]), first: absent('it', 'vanished', 'look again') };
  expect(judge(own).kind).toBe('ruled-out');
});

test('strangers in its cgroup make it likely; Docker is told in its own words', () => {
  const io = { ...chain(cgroup(8 * MiB, [writes(8 * MiB)])), shared: true };
  expect(judge(io.own, { change: { io } })).toMatchObject({ certainty: 'likely' });
  const docker = container({ engine: 'docker' });
  expect(judge(io.own, { change: { container: docker } })).toMatchObject({
    fixes: [{}, { action: expect.stringContaining('--device-write-bps /dev/loop0:16777216') }, {}],
  });
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
