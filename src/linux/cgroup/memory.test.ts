import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import { readMemory } from './memory.ts';
import { parseByteLimit } from './memory-limit.ts';
import { parseMemsw, parseOomControl } from './memory-v1.ts';
import { parseMemoryEvents } from './memory-v2.ts';

test.each([
  ['max\n', { kind: 'max' }],
  ['268435456\n', { kind: 'limit', value: 268_435_456 }],
  ['0\n', { kind: 'limit', value: 0 }],
  // 2^63 rounded down to a page of 4, 16, 64 KiB; 3.10; 3.10 on some 32-bit builds.
  ['9223372036854771712\n', { kind: 'max' }],
  ['9223372036854759424\n', { kind: 'max' }],
  ['9223372036854710272\n', { kind: 'max' }],
  ['9223372036854775807\n', { kind: 'max' }],
  ['18446744073709551615\n', { kind: 'max' }],
  // 6.1, hugetlb of 1 GiB and 2 MiB pages: rounded down to one of those.
  ['9223372035781033984\n', { kind: 'max' }],
  ['9223372036852678656\n', { kind: 'max' }],
  // One page less than none, because somebody wrote 2^63 - 8192.
  ['9223372036854767616\n', { kind: 'max' }],
  ['', undefined],
  ['-1\n', undefined],
  ['1e3\n', undefined],
  ['12 34567890123456789\n', { kind: 'limit', value: 12 }],
])('limit %j', (text, expected) => {
  expect(parseByteLimit(text)).toEqual(expected);
});

const lists = (prefix: string): string =>
  ['inactive_anon', 'active_anon', 'inactive_file', 'active_file']
    .map(name => `${prefix}${name} 4096\n`)
    .join('');
const v1Stat = `total_cache 8192\ntotal_rss 4096\ntotal_shmem 4096\ntotal_swap 12288\n${lists('total_')}`;
const v1Files = {
  'memory.usage_in_bytes': '16384\n',
  'memory.limit_in_bytes': '67108864\n',
  'memory.max_usage_in_bytes': '20480\n',
  'memory.failcnt': '12\n',
  'memory.kmem.usage_in_bytes': '4096\n',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
  'memory.memsw.limit_in_bytes': '9223372036854771712\n',
  'memory.stat': v1Stat,
};

test('a v1 cgroup', () => {
  expect(readMemory(cgroupOf('v1', v1Files))).toMatchObject({
    value: {
      usage: 16_384,
      limit: { kind: 'limit', value: 67_108_864 },
      high: { present: false, because: 'disabled' },
      peak: present(20_480),
      limitHits: present(12),
      oomKills: present(3),
      subtreeOomKills: { present: false },
      oomKillDisabled: false,
      underOom: false,
      oomGroup: false,
      swap: present({ usage: 12_288, limitMeans: 'memory-and-swap', limit: { kind: 'max' } }),
      breakdown: { value: { anonymous: 4096, file: 4096, shared: 4096, kernel: present(4096) } },
    },
  });
});

test('v1 without swap accounting and with oom kills disabled', () => {
  const { 'memory.memsw.limit_in_bytes': _, ...files } = v1Files;
  const oomControl = 'oom_kill_disable 1\nunder_oom 1\n';
  expect(readMemory(cgroupOf('v1', { ...files, 'memory.oom_control': oomControl }))).toMatchObject({
    value: {
      swap: { present: false, because: 'disabled', remedy: 'boot with swapaccount=1' },
      oomKillDisabled: true,
      underOom: true,
      oomKills: { present: false, because: 'kernel-too-old' },
    },
  });
});

const v2Stat = `anon 4096\nfile 8192\nkernel 4096\nshmem 4096\n${lists('')}slab 4096\npgmajfault 0\n`;
const v2Files = {
  'memory.current': '16384\n',
  'memory.max': 'max\n',
  'memory.high': '33554432\n',
  'memory.peak': '20480\n',
  'memory.events': 'low 0\nhigh 3\nmax 40\noom 2\noom_kill 5\noom_group_kill 0\n',
  'memory.events.local': 'low 0\nhigh 3\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n',
  'memory.oom.group': '1\n',
  'memory.swap.current': '12288\n',
  'memory.swap.max': '0\n',
  'memory.stat': v2Stat,
};

test('a v2 cgroup of 6.1: its own kills, and those of the subtree', () => {
  expect(readMemory(cgroupOf('v2', v2Files))).toMatchObject({
    value: {
      usage: 16_384,
      limit: { kind: 'max' },
      high: present({ kind: 'limit', value: 33_554_432 }),
      peak: present(20_480),
      limitHits: present(12),
      highHits: 3,
      oomKills: present(1),
      subtreeOomKills: present(5),
      oomGroup: true,
      swap: present({ usage: 12_288, limitMeans: 'swap', limit: { kind: 'limit', value: 0 } }),
    },
  });
});

test('v2 of 4.19: events are of the cgroup alone; no peak, no swap accounting', () => {
  const files = {
    'memory.current': '16384\n',
    'memory.max': '67108864\n',
    'memory.high': 'max\n',
    'memory.events': 'low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n',
    'memory.stat': v2Stat,
  };
  expect(readMemory(cgroupOf('v2', files))).toMatchObject({
    value: {
      peak: { present: false, because: 'kernel-too-old' },
      limitHits: present(7),
      oomKills: present(1),
      subtreeOomKills: { present: false },
      oomGroup: false,
      swap: { present: false, because: 'disabled' },
    },
  });
});

test('the root of v2 has no limit; its usage is what memory.stat adds up to', () => {
  expect(readMemory(cgroupOf('v2', { 'memory.stat': v2Stat }, true))).toMatchObject({
    value: { usage: 12_288, limit: { kind: 'max' }, oomKills: { present: false } },
  });
});

test.each([
  ['usage', { 'memory.usage_in_bytes': 'x\n' }],
  ['limit', { 'memory.limit_in_bytes': '\n' }],
])('a v1 sample whose %s is nonsense is unreadable, not zero', (_, change) => {
  expect(readMemory(cgroupOf('v1', { ...v1Files, ...change }))).toMatchObject({
    present: false,
    because: 'unreadable',
  });
});

test('no input throws', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      parseByteLimit(text);
      parseOomControl(text);
      parseMemsw(text, text);
      parseMemoryEvents(text);
    }),
  );
});
