import { expect, test } from 'vitest';
import { parseQdiscs, parseTcFilters } from './traffic-control.ts';

/** iproute2 6.1 on Linux 6.18 (the first) and 6.1 (the second), shortened to what is read. */
const qdiscs = [
  { kind: 'noqueue', handle: '0:', dev: 'lo', root: true, refcnt: 2, options: {}, packets: 0, drops: 0 },
  {
    ...{ kind: 'tbf', handle: '8024:', dev: 'up0', root: true, packets: 3, drops: 5, qlen: 0 },
    options: { rate: 125000, burst: 60, lat: 0 },
  },
  { kind: 'clsact', handle: 'ffff:', dev: 'up0', parent: 'ffff:fff1', options: {}, packets: 7, drops: 5 },
  {
    ...{ kind: 'netem', handle: '10:', dev: 'up1', parent: '1:10', packets: 0, drops: 0 },
    options: { limit: 1000, 'loss-random': { loss: 1, correlation: 0 }, ecn: false },
  },
];

test('queues and hooks of a namespace, with their counters', () => {
  expect(parseQdiscs(JSON.stringify(qdiscs))).toEqual([
    { device: 'lo', kind: 'noqueue', handle: '0:', at: 'root', options: '', packets: 0, drops: 0 },
    {
      ...{ device: 'up0', kind: 'tbf', handle: '8024:', at: 'root', packets: 3, drops: 5 },
      options: 'rate 125000 burst 60 lat 0',
    },
    { device: 'up0', kind: 'clsact', handle: 'ffff:', at: 'hook', options: '', packets: 7, drops: 5 },
    {
      ...{ device: 'up1', kind: 'netem', handle: '10:', at: 'class', packets: 0, drops: 0 },
      options: 'limit 1000 loss-random loss 1 correlation 0',
    },
  ]);
});

const stats = { packets: 9, drops: 4 };
const gact = { order: 1, kind: 'gact', control_action: { type: 'drop' }, stats };

test.each([
  [
    'u32, without the line of its priority and of its hash table',
    [
      { protocol: 'ip', pref: 49151, kind: 'u32', chain: 0 },
      { protocol: 'ip', pref: 49151, kind: 'u32', chain: 0, options: { fh: '800:', ht_divisor: 1 } },
      {
        ...{ protocol: 'ip', pref: 49151, kind: 'u32', chain: 0 },
        options: { fh: '800::800', match: { value: 'a000001', mask: 'ffffffff', off: 16 }, actions: [gact] },
      },
    ],
    {
      text: 'pref 49151 ip u32 match a000001/ffffffff at 16 gact drop',
      acted: stats,
      key: '49151 u32 800::800',
    },
  ],
  [
    'flower with a policer',
    [
      {
        ...{ protocol: 'ip', pref: 1, kind: 'flower' },
        options: {
          ...{ handle: 1, keys: { ip_proto: 'tcp', dst_port: 80 } },
          actions: [{ kind: 'police', control_action: { type: 'drop' }, stats }],
        },
      },
    ],
    { text: 'pref 1 ip flower ip_proto tcp dst_port 80 police drop', acted: stats, key: '1 flower 1' },
  ],
  [
    'a BPF program that decides itself, and does not count',
    [
      {
        ...{ protocol: 'all', pref: 1, kind: 'bpf' },
        options: { handle: '0x1', bpf_name: 'cil_from_container', 'direct-action': true, prog: { id: 17 } },
      },
    ],
    { text: 'pref 1 all bpf cil_from_container program 17 decides itself', acted: null, key: '1 bpf 0x1' },
  ],
])('filter: %s', (_, entries, expected) => {
  expect(parseTcFilters(JSON.stringify(entries))).toEqual([expected]);
});

test('nothing at all is an empty list, and what is no list is undefined', () => {
  for (const parse of [parseQdiscs, parseTcFilters]) {
    expect(parse('')).toEqual([]);
    expect(parse('[ null, 3, {} ]')).toEqual([]);
    expect(parse('{')).toBeUndefined();
  }
});
