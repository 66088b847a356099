import { expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  fileSystem,
  ioSample,
  level,
  memorySample,
  notThere,
  process,
  writer,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { CgroupVersion, IoSample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, cgroupPath } from '../../../linux/units.ts';
import type { BlockIoResult, BlockOwner } from '../../../trace/instruments/block-io/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const limits: IoSample['limits'] = [{ device: '7:0', kind: 'write-bytes', perSecond: 2 * MiB }];

interface Scene {
  readonly wrote?: number;
  readonly counted?: number;
  readonly byRoot?: number;
  readonly dirty?: number;
  readonly limited?: IoSample['limits'];
  readonly version?: CgroupVersion;
  readonly change?: Partial<Parameters<typeof rule>[0]>;
}

function judge({
  wrote = 16 * MiB,
  counted = 0,
  byRoot = 16 * MiB,
  dirty = 0,
  limited = limits,
  version = 'v1',
  change,
}: Scene) {
  const own = level(
    '/box/web-1',
    ioSample(counted, { limits: limited }),
    ioSample(0, { limits: limited }),
    version,
  );
  const root = level(
    '/',
    ioSample(byRoot, { ownDevices: ioSample(byRoot).devices }),
    ioSample(0, { ownDevices: ioSample(0).devices }),
    version,
  );
  const memory = memorySample({ breakdown: present(breakdown({ dirty: bytes(dirty) })) });
  return rule({
    ...common(),
    io: chain(own, root),
    processes: [writer(wrote)],
    memory: present(chain(level('/box/web-1', memory))),
    fileSystems: notThere,
    traced: notThere,
    ...change,
  });
}

test('16 MiB written, none counted, all of it by the root cgroup: the limit does not hold', () => {
  expect(judge({})).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/may write 2 MiB per second .* wrote 16 MiB per second/),
  });
});

test('not yet written back: the dirty pages are its own', () => {
  expect(judge({ byRoot: 0, dirty: 12 * MiB })).toMatchObject({ certainty: 'proved' });
  expect(judge({ byRoot: 0 })).toMatchObject({ kind: 'found', certainty: 'likely' });
});

test.each([
  ['its own pages went to the device', true, 'proved'],
  ['only a neighbour’s did', false, 'likely'],
] as const)('--deep, %s', (_, own, certainty) => {
  const owner: BlockOwner = {
    ...{ number: '7:0', operation: 'write', cgroup: cgroupPath('/box/other'), own, bytes: 12 * MiB },
    ...{ us: 1000, count: 12, longestUs: 200 },
  };
  const blockIo: BlockIoResult = {
    ...{ engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1 },
    ...{ byCgroup: true, streams: [], senders: [], owners: [owner] },
  };
  const change = { traced: present({ 'block-io': present(blockIo) }) };
  expect(judge({ byRoot: 0, change })).toMatchObject({ kind: 'found', certainty });
});

test.each<[string, Scene]>([
  ['direct: its own cgroup counted it', { counted: 16 * MiB, byRoot: 0 }],
  ['less than the limit allows', { wrote: MiB, byRoot: MiB }],
  [
    'cgroup2 puts write-back down to the writer',
    { version: 'v2', change: { fileSystems: present([fileSystem()]) } },
  ],
  ['no limit', { limited: [] }],
  ['a limit on operations', { limited: [{ device: '7:0', kind: 'writes', perSecond: 10 }] }],
])('ruled out: %s', (_, scene) => {
  expect(judge(scene).kind).toBe('ruled-out');
});

test('cgroup2 on a file system whose write-back belongs to no cgroup: it escapes there too', () => {
  const on = (type: string, counted = 0) =>
    judge({
      version: 'v2',
      counted,
      byRoot: 0,
      dirty: 12 * MiB,
      change: { fileSystems: present([fileSystem({}, { type })]) },
    });
  expect(on('vfat')).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('vfat has no write-back by cgroup'),
  });
  expect(on('vfat', 16 * MiB).kind).toBe('ruled-out');
  expect(on('xfs')).toMatchObject({
    kind: 'ruled-out',
    evidence: expect.arrayContaining([expect.objectContaining({ observed: 'xfs' })]),
  });
});

test('what its processes wrote was not read', () => {
  expect(judge({ change: { processes: [process()] } }).kind).toBe('inconclusive');
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({ kind: 'found', certainty: 'proved' });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
