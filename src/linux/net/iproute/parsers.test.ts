import { expect, test } from 'vitest';
import { parseDevices } from './devices.ts';
import { parseForwardingTable, parseNeighbours } from './neighbours.ts';
import { parseRouteAnswer, routeCommand } from './route-get.ts';

/** iproute2 6.1 on Linux 6.18, shortened to what is read. */
const veth = {
  ifindex: 4,
  link_index: 3,
  ifname: 'v0',
  flags: ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'],
  mtu: 1500,
  master: 'br0',
  operstate: 'LOWERLAYERDOWN',
  address: 'ca:ef:8c:72:e1:92',
  link_netnsid: 0,
  linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge', info_slave_data: { state: 'disabled' } },
  addr_info: [{ family: 'inet', local: '10.9.0.1', prefixlen: 24 }],
  stats64: { rx: { packets: 5, dropped: 1 }, tx: { packets: 7, dropped: 2 } },
};

test('a veth that is a port of a bridge, its peer in another namespace', () => {
  expect(parseDevices(JSON.stringify([veth]))).toEqual([
    {
      index: 4,
      name: 'v0',
      kind: 'veth',
      mac: 'ca:ef:8c:72:e1:92',
      mtu: 1500,
      up: true,
      carrier: false,
      addresses: [{ address: '10.9.0.1', prefixLength: 24 }],
      link: { index: 3, namespace: 0 },
      master: 'br0',
      detail: null,
      underlay: 0,
      xdp: null,
      portState: 'disabled',
      isolated: false,
      callsIptables: false,
      callsIp6tables: false,
      filtersVlans: false,
      received: 5,
      sent: 7,
      receiveDropped: 1,
      sendDropped: 2,
    },
  ]);
});

test('an address that duplicate address detection refused, and one it still asks about', () => {
  const device = {
    ...veth,
    addr_info: [
      { family: 'inet6', local: 'fd77::9', prefixlen: 64, dadfailed: true, tentative: true },
      { family: 'inet6', local: 'fd77::8', prefixlen: 64, tentative: true },
    ],
  };
  expect(parseDevices(JSON.stringify([device]))?.[0]?.addresses).toEqual([
    { address: 'fd77::9', prefixLength: 64, duplicate: 'failed' },
    { address: 'fd77::8', prefixLength: 64, duplicate: 'tentative' },
  ]);
});

test('a peer in the same namespace is given by name; lo has neither kind nor link', () => {
  const one = {
    ifindex: 2,
    ifname: 'one',
    mtu: 1500,
    flags: ['UP', 'LOWER_UP'],
    link: 'two',
    linkinfo: { info_kind: 'veth' },
  };
  const two = {
    ifindex: 3,
    ifname: 'two',
    mtu: 1500,
    flags: [],
    link: 'one',
    linkinfo: { info_kind: 'veth' },
  };
  const lo = { ifindex: 1, ifname: 'lo', mtu: 65_536, flags: ['LOOPBACK', 'UP', 'LOWER_UP'] };
  const devices = parseDevices(JSON.stringify([lo, one, two]));
  expect(devices?.map(({ link }) => link)).toEqual([
    null,
    { index: 3, namespace: null },
    { index: 2, namespace: null },
  ]);
  expect(devices?.[0]).toMatchObject({ kind: null, up: true, carrier: true });
});

test('neighbours with and without an answer', () => {
  const text = JSON.stringify([
    { dst: '10.9.0.2', dev: 'br0', lladdr: '02:00:00:00:00:02', state: ['REACHABLE'] },
    { dst: '10.9.0.9', dev: 'br0', state: ['FAILED'] },
  ]);
  expect(parseNeighbours(text)).toEqual([
    { address: '10.9.0.2', device: 'br0', mac: '02:00:00:00:00:02', state: 'REACHABLE' },
    { address: '10.9.0.9', device: 'br0', mac: null, state: 'FAILED' },
  ]);
});

test('the forwarding table keeps what is of that bridge', () => {
  const text = JSON.stringify([
    { mac: 'aa:aa:aa:aa:aa:aa', ifname: 'v0', flags: [], master: 'br0', state: '' },
    { mac: 'bb:bb:bb:bb:bb:bb', ifname: 'v0', flags: [], master: 'br0', state: 'permanent' },
    { mac: '33:33:00:00:00:01', ifname: 'v0', flags: ['self'], state: 'permanent' },
  ]);
  expect(parseForwardingTable(text, 'br0')?.map(({ mac, own }) => [mac, own])).toEqual([
    ['aa:aa:aa:aa:aa:aa', false],
    ['bb:bb:bb:bb:bb:bb', true],
  ]);
});

const answer = (output: unknown) =>
  parseRouteAnswer({ code: 0, output: JSON.stringify([output]), errors: '' });
const refusal = (errors: string) => parseRouteAnswer({ code: 2, output: '', errors });

test('route lookups: on the link, by a gateway, local, with a learnt MTU', () => {
  expect(answer({ dst: '10.9.0.7', dev: 'br0', prefsrc: '10.9.0.1', flags: [], cache: [] })).toEqual({
    kind: 'unicast',
    device: 'br0',
    gateway: null,
    source: '10.9.0.1',
    mtu: null,
  });
  expect(
    answer({ dst: '1.1.1.1', gateway: '10.9.0.1', dev: 'eth0', metrics: [{ mtu: 1400 }] }),
  ).toMatchObject({
    gateway: '10.9.0.1',
    mtu: 1400,
  });
  expect(answer({ dst: '1.1.1.1', via: { family: 'inet6', host: 'fe80::1' }, dev: 'eth0' })).toMatchObject({
    gateway: 'fe80::1',
  });
  expect(answer({ type: 'local', dst: '10.9.0.1', dev: 'lo' })).toMatchObject({ kind: 'local' });
});

test.each([
  ['RTNETLINK answers: Network is unreachable', 'ENETUNREACH'],
  ['RTNETLINK answers: No route to host', 'EHOSTUNREACH'],
  ['RTNETLINK answers: Invalid cross-device link', 'EXDEV'],
  ['RTNETLINK answers: Permission denied', 'EACCES'],
  ['RTNETLINK answers: Something new', 'other'],
])('%s: %s', (errors, error) => {
  expect(refusal(errors)).toEqual({
    kind: 'refused',
    error,
    says: errors.replace('RTNETLINK answers: ', ''),
  });
});

test('the question as a command', () => {
  const question = { destination: '10.78.0.2', destinationPort: 8080, from: '10.77.0.2', enteredBy: 'br0' };
  expect(routeCommand(question).join(' ')).toBe(
    '-j route get 10.78.0.2 from 10.77.0.2 iif br0 ipproto tcp dport 8080',
  );
});

test('odd texts are undefined or left out, never exceptions', () => {
  for (const parse of [parseDevices, parseNeighbours, (text: string) => parseForwardingTable(text, 'br0')]) {
    expect(parse('')).toEqual([]);
    expect(parse('[{}, 3, null, {"ifname": 4}]')).toEqual([]);
    expect(parse('{"not": "a list"}')).toBeUndefined();
    expect(parse('[{"ifname": "eth')).toBeUndefined();
  }
  expect(answer({})).toBeUndefined();
});
