import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { NetworkPlace, PacketGrowth, PlaceDevice } from '../../../observe/networks.ts';
import type { Observation } from '../../../observe/observation.ts';
import type { DropElsewhere, DropRow } from '../../../trace/instruments/drops/result.ts';
import type { Traced } from '../../../trace/results.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const device = (change: Partial<PlaceDevice> = {}): PlaceDevice => ({
  name: 'eth0',
  index: 2,
  kind: 'veth',
  mtu: 1500,
  up: true,
  link: null,
  bridge: null,
  qdisc: 'noqueue',
  received: 1000,
  sent: 1000,
  queueDrops: 0,
  sendDrops: 0,
  receiveDrops: 0,
  ...change,
});

const place = (
  namespace: number,
  name: string,
  devices: readonly PlaceDevice[],
  packets: Partial<PacketGrowth> = {},
): NetworkPlace => ({
  namespace: namespaceId(namespace),
  pid: hostPid(100 + namespace),
  name,
  packets: { received: 1000, delivered: 0, forwarded: 1000, refused: 0, droppedByTcp: 0, ...packets },
  devices,
});

interface Variation {
  readonly again?: number;
  readonly sent?: number;
  readonly twice?: number;
  readonly opening?: number;
  readonly places?: readonly NetworkPlace[] | null;
  readonly onHost?: boolean;
  readonly traced?: Traced;
}

function judge({ again = 83, sent = 2000, twice = 0, opening = 0, places = [], ...more }: Variation) {
  const { onHost = false, traced } = more;
  const counters = (sample: 0 | 1) => ({
    'Tcp.RetransSegs': 5 + sample * again,
    'Tcp.OutSegs': 100 + sample * sent,
    'TcpExt.TCPDSACKRecv': sample * twice,
    'TcpExt.TCPSynRetrans': sample * opening,
    'TcpExt.TCPTimeouts': sample,
  });
  return rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    networkCounters: { first: counters(0), last: counters(1) },
    networks: places === null ? notThere : present(places),
    tcp: notThere,
    traced: traced === undefined ? notThere : present(traced),
  });
}

const own = place(2, 'app', [device()]);

test.each<[string, NetworkPlace, RegExp, string]>([
  [
    'in a queue of the host',
    place(1, 'init', [device(), device({ name: 'ppp0', qdisc: 'tbf', queueDrops: 81 })]),
    /at the full queue \(tbf\) in front of ppp0 in the host: 81 packets/,
    'dropped +81 (tbf)',
  ],
  [
    'by a firewall of a router',
    place(3, 'router', [device()], { received: 1000, forwarded: 920 }),
    /at a firewall rule in the network of router \(pid 103\).*: 80 packets/,
    'InReceives +1000, InDelivers +0, ForwDatagrams +920',
  ],
  [
    'by a device without room',
    place(1, 'init', [device({ name: 'ens5', kind: '', receiveDrops: 90 })]),
    /at ens5 in the host, as it received: 90/,
    'dropped and errors +90',
  ],
  [
    'by the receiver',
    place(3, 'db', [device()], { received: 1000, delivered: 1000, forwarded: 0, droppedByTcp: 77 }),
    /at TCP in the network of db/,
    '+77',
  ],
])('found, proved: lost %s', (_, where, said, observed) => {
  const verdict = judge({ places: [own, where] });
  expect(verdict).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(said),
    evidence: expect.arrayContaining([expect.objectContaining({ observed })]),
  });
});

test('found, likely: nothing on this machine lost them', () => {
  expect(judge({ places: [own, place(1, 'init', [device({ queueDrops: 3 })])] })).toMatchObject({
    kind: 'found',
    certainty: 'likely',
    summary: expect.stringContaining('beyond this machine, or at the peer'),
    trace: 'drops',
  });
  expect(judge({ places: null })).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('not known'),
  });
});

const base = { engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1, sharedNetwork: false } as const;
const drop = (change: Partial<DropRow> = {}): DropRow => ({
  ...{ reason: 'TC_INGRESS', function: 'sch_handle_ingress', protocol: 'tcp', family: 'ipv4', port: 7010 },
  ...{ device: 'eth0', count: 60, bytes: 90_000 },
  ...change,
});
const dropped = (
  drops: readonly DropRow[],
  shared = false,
  elsewhere: readonly DropElsewhere[] = [],
): Traced => ({
  drops: present({ ...base, total: 0, drops, sharedNetwork: shared, elsewhere: present(elsewhere) }),
  tcp: present({
    ...{ ...base, retransmits: 83, resetsSent: 0, resetsReceived: 0, failed: 0, closed: 0, events: [] },
    opened: { active: 0, passive: 0 },
    peers: [{ remote: '10.78.0.2:7010', retransmits: 80, resetsSent: 0, resetsReceived: 0, failed: 0 }],
  }),
});

test('found, proved by a trace: lost in its own namespace, where no counter of a device tells', () => {
  expect(judge({ traced: dropped([drop(), drop({ reason: 'NO_SOCKET', count: 500 })]) })).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    trace: null,
    summary: expect.stringContaining(
      'threw away 60 segments meanwhile: sch_handle_ingress() in its own network namespace, of what came by eth0: TC_INGRESS',
    ),
    evidence: expect.arrayContaining([
      expect.objectContaining({
        observed: '+60, mostly TC_INGRESS in sch_handle_ingress, its own network namespace',
      }),
      expect.objectContaining({ claim: 'Sent again to 10.78.0.2:7010', observed: '80 of 83 segments' }),
    ]),
  });
});

test.each([
  ['nothing', [], '0'],
  ['what follows from an end', [drop({ reason: 'NO_SOCKET' }), drop({ reason: 'TCP_OLD_DATA' })], '0'],
  [
    'too few',
    [drop({ count: 12 })],
    '+12, mostly TC_INGRESS in sch_handle_ingress, its own network namespace',
  ],
])('a trace that saw %s rules its own namespace out, and there is no more to run', (_, drops, observed) => {
  expect(judge({ traced: dropped(drops) })).toMatchObject({
    certainty: 'likely',
    trace: null,
    excluded: expect.arrayContaining([
      expect.objectContaining({ source: expect.stringContaining('trace drops'), observed }),
    ]),
  });
});

test('found, proved by a trace: lost in another namespace, by its addresses', () => {
  const there = {
    ...drop({ device: 'veth7', function: 'tcf_police_act' }),
    ...({ namespace: namespaceId(1), place: 'the host', direction: 'from', peer: '10.78.0.2' } as const),
  };
  expect(judge({ traced: dropped([], false, [there]) })).toMatchObject({
    certainty: 'proved',
    summary: expect.stringContaining('tcf_police_act() in the host, of what came by veth7: TC_INGRESS'),
  });
});

test('in a namespace that others share drops may be theirs', () => {
  expect(judge({ traced: dropped([drop()], true) })).toMatchObject({ certainty: 'likely', trace: 'drops' });
});

test('less than a hundredth is told, and is no alarm; on the host network it is anybody', () => {
  expect(judge({ again: 5, sent: 2000 })).toMatchObject({ kind: 'found', severity: 'notice' });
  expect(judge({ onHost: true })).toMatchObject({ kind: 'found', severity: 'notice' });
});

test.each<[string, Variation]>([
  ['none', { again: 0 }],
  ['two, which any network loses', { again: 2 }],
  ['received twice: reordering', { again: 83, twice: 80 }],
  ['attempts to connect', { again: 10, opening: 9 }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test('a counter that went back decides nothing', () => {
  expect(judge({ again: -5 })).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'vanished' }] });
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
    { case: 'network/retransmissions', verdict: { kind } },
  ]);
});
