import { expect, test } from 'vitest';
import { parseDevices } from './devices.ts';
import { parseLinkDetail } from './link-detail.ts';
import { parseTunnelRemotes } from './neighbours.ts';
import { parsePortVlans } from './vlans.ts';

/** linkinfo.info_data as iproute2 6.1 prints it on Linux 6.1, shortened. */
test.each([
  ['bond', { mode: 'active-backup', active_slave: 's0', miimon: 100 }, { kind: 'bond', activePort: 's0' }],
  ['bond', { mode: 'balance-rr' }, { kind: 'bond', activePort: null }],
  ['vlan', { protocol: '802.1Q', id: 5 }, { kind: 'vlan', id: 5 }],
  ['vlan', {}, null],
  ['macvlan', { mode: 'bridge' }, { kind: 'shared', talk: true, routedBelow: false }],
  ['macvlan', { mode: 'private' }, { kind: 'shared', talk: false, routedBelow: false }],
  ['ipvlan', { mode: 'l3', bridge: true }, { kind: 'shared', talk: true, routedBelow: true }],
  ['ipvlan', { mode: 'l2', private: true }, { kind: 'shared', talk: false, routedBelow: false }],
  [
    'vxlan',
    { id: 42, remote: '10.9.0.2', local: '10.9.0.1', port: 4789, df: 'unset' },
    {
      ...{ kind: 'tunnel', id: '42', remote: '10.9.0.2', local: '10.9.0.1', port: 4789 },
      ...{ overhead: 50, mayFragment: true, carries: 'frames', external: false },
    },
  ],
  [
    'ipip',
    { proto: 'any', remote: '10.9.0.2', local: 'any', ttl: 0, pmtudisc: true },
    {
      ...{ kind: 'tunnel', id: null, remote: '10.9.0.2', local: null, port: null },
      ...{ overhead: 20, mayFragment: false, carries: 'packets', external: false },
    },
  ],
  [
    'gre',
    { remote: '10.9.0.2', okey: '0.0.0.7', pmtudisc: false },
    {
      ...{ kind: 'tunnel', id: '0.0.0.7', remote: '10.9.0.2', local: null, port: null },
      ...{ overhead: 28, mayFragment: true, carries: 'packets', external: false },
    },
  ],
  ['veth', undefined, null],
  [null, undefined, null],
])('%s %j', (kind, data, expected) => {
  expect(parseLinkDetail(kind, data)).toEqual(expected);
});

test('a program at the first hook, a port kept apart, and a bridge that looks at VLANs', () => {
  const device = { ifindex: 2, mtu: 1500, flags: ['UP'] };
  const devices = [
    { ...device, ifname: 'v0', xdp: { mode: 2, prog: { id: 17, tag: '3b185187f1855c4c' } } },
    { ...device, ifname: 'v1', linkinfo: { info_slave_kind: 'bridge', info_slave_data: { isolated: true } } },
    { ...device, ifname: 'br0', linkinfo: { info_kind: 'bridge', info_data: { vlan_filtering: 1 } } },
  ];
  expect(parseDevices(JSON.stringify(devices))).toMatchObject([
    { xdp: { id: 17, mode: 'generic' }, isolated: false, filtersVlans: false },
    { xdp: null, isolated: true },
    { filtersVlans: true },
  ]);
});

test('the VLANs of ports, as single ones and as ranges', () => {
  const shown = [
    {
      ifname: 'p0',
      vlans: [
        { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
        { vlan: 5, vlanEnd: 8 },
      ],
    },
    { ifname: 'br0' },
  ];
  expect(parsePortVlans(JSON.stringify(shown))).toEqual(
    new Map([
      [
        'p0',
        [
          { first: 1, last: 1, ownUntagged: true, leavesUntagged: true },
          { first: 5, last: 8, ownUntagged: false, leavesUntagged: false },
        ],
      ],
      ['br0', []],
    ]),
  );
  expect(parsePortVlans('{')).toBeUndefined();
});

test('where a VXLAN sends what', () => {
  const shown = [
    { mac: '00:00:00:00:00:00', dst: '10.9.0.2', viaIf: 'd0', flags: ['self'], state: 'permanent' },
    { mac: '02:00:00:00:00:09', ifname: 'vx0', master: 'br0' },
  ];
  expect(parseTunnelRemotes(JSON.stringify(shown))).toEqual([
    { mac: '00:00:00:00:00:00', remote: '10.9.0.2' },
  ]);
});
