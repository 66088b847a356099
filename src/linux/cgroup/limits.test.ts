import { expect, test } from 'vitest';
import { absent, present } from '../reading.ts';
import { bytes, cgroupPath, microseconds } from '../units.ts';
import { type CgroupLimits, controllersFor, setLimits, weightFromShares } from './limits.ts';
import type { CgroupLayout, CgroupVersion } from './model.ts';
import { type CgroupWriter, done } from './write.ts';

const layoutOf = (
  version: CgroupVersion,
  kernelControllers: readonly string[] = ['cpu', 'cpuset', 'memory', 'pids'],
): CgroupLayout => ({
  mode: version,
  hierarchies: [
    {
      version,
      kernelControllers,
      mountPoint: '/cg',
      mountRoot: cgroupPath('/'),
    },
  ],
});

/** What is written, in order; `refuse` lets the kernel answer EINVAL to a write. */
function written(
  version: CgroupVersion,
  limits: CgroupLimits,
  {
    texts = {},
    refuse = () => false,
    controllers,
  }: {
    texts?: Record<string, string>;
    refuse?: (line: string) => boolean;
    controllers?: readonly string[];
  } = {},
): readonly string[] {
  const lines: string[] = [];
  const writer: CgroupWriter = {
    make: () => done,
    read: file => {
      const text = texts[file.replace('/cg/c/', '')];
      return text === undefined ? absent(file, 'vanished', 'look again') : present(text);
    },
    write: (file, value) => {
      const line = `${file.replace('/cg/c/', '')} ${value}`;
      lines.push(line);
      return refuse(line) ? absent(file, 'unreadable', 'EINVAL') : done;
    },
  };
  const outcome = setLimits(writer, layoutOf(version, controllers), cgroupPath('/c'), limits);
  return outcome.present ? lines : [...lines, 'refused'];
}

const mebibytes = (count: number) => bytes(count * 2 ** 20);
const all: CgroupLimits = {
  memory: mebibytes(64),
  memoryAndSwap: mebibytes(96),
  pids: 50,
  cpu: { quota: microseconds(50_000), period: microseconds(100_000), burst: microseconds(20_000) },
  cpus: [0, 2],
  cpuShares: 512,
};

test('v1', () => {
  expect(written('v1', all, { texts: { 'cpu.cfs_burst_us': '30000\n' } })).toEqual([
    'cpu.cfs_burst_us 0',
    'cpu.cfs_quota_us -1',
    'cpu.cfs_period_us 100000',
    'cpu.cfs_quota_us 50000',
    'cpu.cfs_burst_us 20000',
    'cpu.shares 512',
    'cpuset.cpus 0,2',
    'memory.limit_in_bytes 67108864',
    'memory.memsw.limit_in_bytes 100663296',
    'pids.max 50',
  ]);
});

test('v2', () => {
  expect(written('v2', all, { texts: { 'cpu.max.burst': '0\n' } })).toEqual([
    'cpu.max 50000 100000',
    'cpu.max.burst 20000',
    'cpu.weight 20',
    'cpuset.cpus 0,2',
    'memory.max 67108864',
    'memory.swap.max 33554432',
    'pids.max 50',
  ]);
});

test('no limit', () => {
  const none: CgroupLimits = {
    memory: 'max',
    memoryAndSwap: 'max',
    pids: 'max',
    cpu: { quota: 'max', period: microseconds(100_000) },
  };
  expect(written('v1', none)).toEqual([
    'cpu.cfs_quota_us -1',
    'cpu.cfs_period_us 100000',
    'memory.limit_in_bytes -1',
    'memory.memsw.limit_in_bytes -1',
    'pids.max max',
  ]);
  expect(written('v2', none)).toEqual([
    'cpu.max max 100000',
    'memory.max max',
    'memory.swap.max max',
    'pids.max max',
  ]);
});

const io: CgroupLimits = {
  io: [
    { device: '7:0', kind: 'write-bytes', perSecond: 8_388_608 },
    { device: '7:0', kind: 'reads', perSecond: 'max' },
  ],
};

test('limits of a device: v1 has a file for each kind, v2 one file', () => {
  const controllers = ['io', 'blkio'];
  expect(controllersFor(io)).toEqual(['io']);
  expect(written('v1', io, { controllers })).toEqual([
    'blkio.throttle.write_bps_device 7:0 8388608',
    'blkio.throttle.read_iops_device 7:0 0',
  ]);
  expect(written('v2', io, { controllers })).toEqual(['io.max 7:0 wbps=8388608', 'io.max 7:0 riops=max']);
});

test('v1 memory that grows past the old memsw: memsw goes first', () => {
  let isRaised = false;
  const refuse = (line: string): boolean => {
    if (line.startsWith('memory.memsw')) isRaised = true;
    return line.startsWith('memory.limit') && !isRaised;
  };
  expect(written('v1', { memory: mebibytes(64), memoryAndSwap: mebibytes(64) }, { refuse })).toEqual([
    'memory.limit_in_bytes 67108864',
    'memory.memsw.limit_in_bytes 67108864',
    'memory.limit_in_bytes 67108864',
  ]);
});

test('the first refusal ends it', () => {
  expect(written('v1', all, { refuse: line => line.startsWith('cpuset') }).slice(-2)).toEqual([
    'cpuset.cpus 0,2',
    'refused',
  ]);
});

test('only what is asked for', () => {
  expect(written('v1', {})).toEqual([]);
  expect(controllersFor({ pids: 1 })).toEqual(['pids']);
});

test.each([
  [2, 1],
  [1024, 39],
  [262_144, 10_000],
  [1, 1],
])('%i shares are weight %i', (shares, weight) => {
  expect(weightFromShares(shares)).toBe(weight);
});
