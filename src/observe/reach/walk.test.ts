import { expect, test } from 'vitest';
import {
  idOf,
  over,
  type PaperNamespace,
  paperDevice,
  paperView,
  withAddress,
} from '../../../test/support/network-view.ts';
import type { TunnelDetail } from '../../linux/net/iproute/link-detail.ts';
import type { NamespaceId } from '../../linux/units.ts';
import type { NetworkView } from './view.ts';
import { walkLeg } from './walk.ts';

/** Kinds of links that not every kernel has: on paper here, on Debian's kernel in the virtual machine by hand. */
const walk = (view: NetworkView, source: string, destination: string) =>
  walkLeg(
    { view, before: null, placeOf: (id: NamespaceId) => String.fromCharCode(Number(id) - 4_026_533_000) },
    {
      namespace: idOf('a'),
      packet: { source, destination, sourcePort: null, destinationPort: 80, state: 'new' },
    },
  );
const places = ({ stages }: ReturnType<typeof walk>) => stages.map(({ place }) => place).join(' ');

/** Its own addresses are local, all else goes by one device. */
const routes = (
  devices: PaperNamespace['devices'],
  device: string,
  more: Partial<PaperNamespace> = {},
): PaperNamespace => ({
  devices,
  route: ({ destination }) =>
    devices.some(({ addresses }) => addresses.some(({ address }) => address === destination))
      ? { kind: 'local' }
      : { device },
  ...more,
});

test.each([
  ['a cable that works', { up: true, carrier: true }, 'delivered'],
  ['a backup that takes nothing', { portState: 'BACKUP' }, 'link-down'],
])('a bond, at the other end %s', (_, far, end) => {
  const bond = (name: string, address: string) =>
    paperDevice(name, { kind: 'bond', detail: { kind: 'bond', activePort: 'p1' }, ...withAddress(address) });
  const view = paperView(
    {
      a: routes(
        [
          bond('bo0', '10.0.0.1'),
          paperDevice('p0', { master: 'bo0', up: false }),
          paperDevice('p1', { master: 'bo0' }),
        ],
        'bo0',
      ),
      b: routes([bond('bo1', '10.0.0.2'), paperDevice('p1', { master: 'bo1', ...far })], 'bo1'),
    },
    [['a p1', 'b p1']],
  );
  const walked = walk(view, '10.0.0.1', '10.0.0.2');
  expect(walked.end.kind).toBe(end);
  expect(walked.stages[0]?.notes).toEqual(['bo0 has p1 as its active port; the rest: p0 (no link)']);
});

test('a bond without a port that works: the port is named', () => {
  const view = paperView({
    a: routes(
      [
        paperDevice('bo0', { kind: 'bond', ...withAddress('10.0.0.1') }),
        paperDevice('p0', { master: 'bo0', up: false }),
      ],
      'bo0',
    ),
  });
  expect(walk(view, '10.0.0.1', '10.0.0.2').end).toEqual({
    kind: 'link-down',
    device: 'p0',
    place: 'a',
    how: 'down',
  });
});

test.each([
  [5, 'delivered'],
  [6, 'link-down'],
])('frames of VLAN 5 meet VLAN %i', (id, end) => {
  const [one, two] = [paperDevice('e0'), paperDevice('e1')];
  const view = paperView(
    {
      a: routes(
        [one, { ...over(one, 'e0.5', 'vlan', { kind: 'vlan', id: 5 }), ...withAddress('10.0.0.1') }],
        'e0.5',
      ),
      b: routes(
        [two, { ...over(two, 'e1.v', 'vlan', { kind: 'vlan', id }), ...withAddress('10.0.0.2') }],
        'e1.v',
      ),
    },
    [['a e0', 'b e1']],
  );
  expect(walk(view, '10.0.0.1', '10.0.0.2').end).toMatchObject({
    kind: end,
    ...(end === 'link-down' ? { how: 'vlan', device: 'e1' } : {}),
  });
});

const vlan = (first: number) => ({ first, last: first, ownUntagged: true, leavesUntagged: true });
test.each([
  ['in one VLAN', 7, false, 'delivered', undefined],
  ['in two', 8, false, 'link-down', 'vlan'],
  ['both isolated', 7, true, 'link-down', 'isolated'],
])('a bridge that looks at VLANs, its ports %s', (_, other, isolated, end, how) => {
  const view = paperView(
    {
      a: routes([paperDevice('e0', withAddress('10.0.0.1'))], 'e0'),
      b: routes([paperDevice('e0', withAddress('10.0.0.2'))], 'e0'),
      r: routes(
        [
          paperDevice('br0', { kind: 'bridge', filtersVlans: true }),
          paperDevice('pa', { master: 'br0', isolated }),
          paperDevice('pb', { master: 'br0', isolated }),
        ],
        'br0',
        {
          vlans: new Map([
            ['pa', [vlan(7)]],
            ['pb', [vlan(other)]],
          ]),
        },
      ),
    },
    [
      ['a e0', 'r pa'],
      ['b e0', 'r pb'],
    ],
  );
  expect(walk(view, '10.0.0.1', '10.0.0.2').end).toMatchObject({
    kind: end,
    ...(how === undefined ? {} : { how }),
  });
});

const vxlan = (change: Partial<TunnelDetail> = {}): TunnelDetail => ({
  ...{ kind: 'tunnel', id: '42', remote: '10.9.0.2', local: '10.9.0.1', port: 4789, overhead: 50 },
  ...{ mayFragment: true, carries: 'frames', external: false },
  ...change,
});

function tunnelled(
  there: TunnelDetail,
  route: PaperNamespace['route'] | undefined = undefined,
  kind = 'vxlan',
) {
  const own = [
    paperDevice('tu', { kind, detail: vxlan({ carries: there.carries }), ...withAddress('10.0.0.1') }),
    paperDevice('u0', withAddress('10.9.0.1')),
  ];
  const theirs = [
    paperDevice('tunl0', { kind, up: false, detail: vxlan({ ...there, remote: null, local: null }) }),
    paperDevice('tu', { kind, detail: there, ...withAddress('10.0.0.2') }),
    paperDevice('u0', withAddress('10.9.0.2')),
  ];
  return paperView(
    {
      a: {
        devices: own,
        route: route ?? (({ destination }) => ({ device: destination.startsWith('10.9.') ? 'u0' : 'tu' })),
      },
      b: routes(theirs, 'tu'),
    },
    [['a u0', 'b u0']],
  );
}
const back = { remote: '10.9.0.1', local: '10.9.0.2' };

test('a VXLAN: its outer packet is walked, and then the inner one goes on', () => {
  const walked = walk(tunnelled(vxlan(back)), '10.0.0.1', '10.0.0.2');
  expect(walked.end.kind).toBe('delivered');
  expect(
    walked.stages.map(({ place, packet, tunnel }) => [place, packet.destination, tunnel?.overhead]),
  ).toEqual([
    ['a', '10.0.0.2', undefined],
    ['a', '10.9.0.2', 50],
    ['b', '10.9.0.2', 50],
    ['b', '10.0.0.2', undefined],
  ]);
});

test('no route for the outer packet ends it there; another number at the far end is said, not accused', () => {
  const noRoute = tunnelled(vxlan(back), ({ destination }) =>
    destination.startsWith('10.9.') ? undefined : { device: 'tu' },
  );
  const ended = walk(noRoute, '10.0.0.1', '10.0.0.2');
  expect(ended.end.kind).toBe('no-route');
  expect(ended.stages.at(-1)?.tunnel).toMatchObject({ device: 'tu', kind: 'vxlan' });
  expect(walk(tunnelled(vxlan({ ...back, id: '43' })), '10.0.0.1', '10.0.0.2').end).toMatchObject({
    kind: 'unseen',
    missing: { remedy: expect.stringContaining('no device that unwraps them') },
  });
});

test('an ipip tunnel: the device that names the sender unwraps it, not the one that was never used', () => {
  const walked = walk(
    tunnelled(vxlan({ ...back, carries: 'packets' }), undefined, 'ipip'),
    '10.0.0.1',
    '10.0.0.2',
  );
  expect(walked.end.kind).toBe('delivered');
  expect(walked.stages.at(-1)?.enteredBy?.name).toBe('tu');
});

test.each([
  ['the far end is chosen by packet', { external: true }, 'external'],
  ['all of a group are asked', { remote: '239.1.1.1' }, 'group 239.1.1.1'],
  ['nobody knows where the neighbour is', { remote: null }, 'bridge fdb show'],
])('a VXLAN that cannot be followed says why: %s', (_, change, remedy) => {
  const device = paperDevice('tu', { kind: 'vxlan', detail: vxlan(change), ...withAddress('10.0.0.1') });
  expect(walk(paperView({ a: routes([device], 'tu') }), '10.0.0.1', '10.0.0.2').end).toMatchObject({
    kind: 'unseen',
    missing: { remedy: expect.stringContaining(remedy) },
  });
});

test.each([
  ['a sibling', '10.0.0.2', 'a b', 'delivered'],
  ['what lies beyond: the namespace of the card routes it', '10.7.0.1', 'a h c', 'delivered'],
])('an ipvlan of mode l3 to %s', (_, destination, way, end) => {
  const card = paperDevice('card', { kind: null });
  const slave = (address: string) =>
    paperDevice('eth0', {
      kind: 'ipvlan',
      detail: { kind: 'shared', talk: true, routedBelow: true },
      ...withAddress(address),
    });
  const [one, two] = [slave('10.0.0.1'), slave('10.0.0.2')];
  const view = paperView(
    {
      a: routes([one], 'eth0'),
      b: routes([two], 'eth0'),
      h: routes([card, paperDevice('u0', withAddress('10.7.0.2'))], 'u0'),
      c: routes([paperDevice('u0', withAddress('10.7.0.1'))], 'u0'),
    },
    [
      ['a eth0', 'h card'],
      ['h u0', 'c u0'],
    ],
  );
  const linked: NetworkView['linked'] = (id, device) =>
    device.kind === 'ipvlan'
      ? { present: true, value: { namespace: idOf('h'), device: card } }
      : view.linked(id, device);
  const walked = walk({ ...view, linked }, '10.0.0.1', destination);
  expect([places(walked), walked.end.kind]).toEqual([way, end]);
});

test('a VRF: its sockets use its routes; without a route in the main table nobody is accused', () => {
  const port = paperDevice('e0', { master: 'red', ...withAddress('10.0.0.1') });
  const red = paperDevice('red', { kind: 'vrf' });
  const view = paperView(
    {
      a: {
        devices: [port, red],
        route: ({ leavesBy }) => (leavesBy === 'red' ? { device: 'e0' } : undefined),
      },
      b: routes([paperDevice('e0', withAddress('10.0.0.2'))], 'e0'),
    },
    [['a e0', 'b e0']],
  );
  expect(walk(view, '10.0.0.1', '10.0.0.2').end.kind).toBe('delivered');
  expect(walk(view, '', '10.0.0.2').end).toMatchObject({
    kind: 'unseen',
    missing: { what: expect.stringContaining('which VRF') },
  });
});

const server = (weight: number, forward = 'Masq') => ({ address: '10.0.0.2', port: 8080, forward, weight });
test.each([
  ['to a real server', [server(0), server(1)], 'delivered'],
  ['without a real server', [], 'dropped'],
  ['with real servers of weight 0', [server(0)], 'dropped'],
  ['that hands packets on unchanged', [server(1, 'Route')], 'unseen'],
])('a service of IPVS %s', (_, servers, end) => {
  const view = paperView(
    {
      a: routes([paperDevice('e0', withAddress('10.0.0.1'))], 'e0', {
        service: { name: 'TCP 10.96.0.1:80 rr', servers },
      }),
      b: routes([paperDevice('e0', withAddress('10.0.0.2'))], 'e0'),
    },
    [['a e0', 'b e0']],
  );
  const walked = walk(view, '10.0.0.1', '10.96.0.1');
  expect(walked.end.kind).toBe(end);
  if (end === 'delivered')
    expect(walked.packet).toMatchObject({ destination: '10.0.0.2', destinationPort: 8080 });
  if (end === 'dropped')
    expect(walked.end).toMatchObject({ effect: { does: 'reject', source: 'ipvsadm -Ln' } });
});

test('kube-ipvs0, which is always off, is not why a route is missing', () => {
  const off = { kind: 'dummy', up: false, ...withAddress('10.96.0.1') };
  const view = paperView({
    a: {
      devices: [paperDevice('kube-ipvs0', off), paperDevice('e0', withAddress('10.0.0.1'))],
      route: () => undefined,
    },
  });
  expect(walk(view, '10.0.0.1', '10.7.0.1').end.kind).toBe('no-route');
});
