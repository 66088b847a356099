import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { NetworkPlace, PlaceDevice } from '../../../observe/networks.ts';
import type { Observation } from '../../../observe/observation.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const device = (name: string, kind: string, change: Partial<PlaceDevice> = {}): PlaceDevice => ({
  name,
  index: 2,
  kind,
  mtu: 1500,
  up: true,
  link: null,
  bridge: null,
  qdisc: 'noqueue',
  received: 5000,
  sent: 5000,
  queueDrops: 0,
  sendDrops: 0,
  receiveDrops: 0,
  ...change,
});

const place = (namespace: number, devices: readonly PlaceDevice[], forwarded = 0): NetworkPlace => ({
  namespace: namespaceId(namespace),
  pid: hostPid(100 + namespace),
  name: 'init',
  packets: { received: 0, delivered: 0, forwarded, refused: 0, droppedByTcp: 0 },
  devices,
});

const loopback = device('lo', 'loopback', { index: 1 });
const eth0 = (change: Partial<PlaceDevice> = {}) =>
  device('eth0', 'veth', { link: { namespace: namespaceId(1), index: 7, name: 'veth12' }, ...change });
const behindBridge = place(
  1,
  [device('veth12', 'veth', { index: 7, bridge: 'docker0' }), device('docker0', 'bridge', { index: 3 })],
  9000,
);

const judge = (networks: readonly NetworkPlace[], { onHost = false } = {}) =>
  rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    networks,
    hostSysctls: notThere,
  });

test('found: the stations of each packet, as the devices are linked', () => {
  expect(judge([place(2, [loopback, eth0()]), behindBridge])).toMatchObject({
    kind: 'found',
    severity: 'notice',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^10000 packets a second passed eth0 .* 5 stations on this machine: veth eth0, backlog of a CPU, veth veth12, bridge docker0, routing and firewall\./,
    ),
    evidence: [
      { observed: '+5000 received, +5000 sent in 1.0 s' },
      { claim: 'The other end, in the host' },
      { observed: 'docker0' },
      { observed: '+9000' },
    ],
  });
});

test('a veth without a bridge or router behind it has fewer', () => {
  const other = place(1, [device('veth12', 'veth', { index: 7 })]);
  expect(judge([place(2, [eth0()]), other])).toMatchObject({
    summary: expect.stringContaining('3 stations on this machine: veth eth0, backlog of a CPU, veth veth12.'),
  });
  expect(judge([place(2, [eth0({ link: null })])])).toMatchObject({
    summary: expect.stringContaining('2 stations'),
  });
});

test.each<[string, readonly NetworkPlace[], { readonly onHost?: boolean }]>([
  ['few packets', [place(2, [eth0({ received: 900, sent: 900 })]), behindBridge], {}],
  ['macvlan', [place(2, [device('eth0', 'macvlan')])], {}],
  ['no device but loopback', [place(2, [loopback])], {}],
  ["the host's network", [behindBridge], { onHost: true }],
])('ruled out: %s', (_, networks, how) => {
  expect(judge(networks, how)).toMatchObject({ kind: 'ruled-out' });
});

test.each([
  ['problem', 'found'],
  ['healthy', 'ruled-out'],
])('the captured %s: %s', (name, kind) => {
  const file = new URL(`./fixture/${name}.json`, import.meta.url);
  const observation = JSON.parse(readFileSync(file, 'utf8')) as Observation;
  const [facts] = observation.containers;
  if (facts === undefined) throw new Error('no container in it');
  expect(judgeObservation(observation, facts, [entry(definition, rule, lab)])).toMatchObject([
    { case: 'network/veth-cost', verdict: { kind } },
  ]);
});
