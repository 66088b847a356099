import { absent, present } from '../../src/linux/reading.ts';
import { hostPid, namespaceId } from '../../src/linux/units.ts';
import type {
  DeviceState,
  Leg,
  LegEnd,
  PacketWalk,
  ReachFacts,
  SampledEffect,
  Stage,
} from '../../src/observe/reach/path.ts';
import { common } from './facts.ts';

/** Typed builders for the rules of unreachability: a container, a router and a server, through which packets pass. */
export const device = (change: Partial<DeviceState> = {}): DeviceState => ({
  name: 'eth0',
  kind: 'veth',
  mac: '02:00:00:00:00:02',
  mtu: 1500,
  up: true,
  carrier: true,
  addresses: ['10.77.0.2/24'],
  ...change,
});

export const stage = (place: string, change: Partial<Stage> = {}): Stage => ({
  namespace: namespaceId(4_026_532_000 + place.length),
  place,
  pid: hostPid(100 + place.length),
  enteredBy: place === 'client' ? null : device(),
  packet: { source: '10.77.0.2', destination: '10.78.0.2', port: 8080 },
  route: {
    command: 'ip route get 10.78.0.2',
    answer: { kind: 'unicast', device: 'eth0', gateway: '10.77.0.1', source: '10.77.0.2', mtu: null },
  },
  leavesBy: place === 'server' ? null : device(),
  nextHop: '10.77.0.1',
  neighbour: null,
  forwarding: null,
  effects: [],
  tracked: null,
  crossed: [],
  holders: [],
  unread: [],
  counters: { first: {}, last: {} },
  ...change,
});

export const moved = (name: string, before: number, after: number): Pick<Stage, 'counters'> => ({
  counters: { first: { [name]: before }, last: { [name]: after } },
});

export const delivered: LegEnd = { kind: 'delivered', namespace: namespaceId(4_026_532_006) };
export const leg = (end: LegEnd, ...stages: readonly Stage[]): Leg => ({ stages, end });

/** Everything passes, there and back; connections wait all the same. */
export const walk = (change: Partial<PacketWalk> = {}): PacketWalk => ({
  reason: 'unanswered',
  destination: { address: '10.78.0.2', port: 8080, asked: null },
  waiting: 15,
  out: leg(delivered, stage('client'), stage('router'), stage('server')),
  back: leg(delivered, stage('server', { enteredBy: null }), stage('router'), stage('client')),
  target: null,
  probe: null,
  ...change,
});

export const effect = (change: Partial<SampledEffect> = {}): SampledEffect => ({
  source: 'iptables-legacy-save',
  table: 'ip filter',
  chain: 'FORWARD',
  hook: 'forward',
  rule: '-A FORWARD -p tcp -m tcp --dport 8080 -j DROP',
  does: 'drop',
  packets: 78,
  packetsBefore: 50,
  certain: true,
  key: 'iptables-legacy-save ip filter FORWARD 1',
  ...change,
});

export const reachOf = (
  walks: readonly PacketWalk[],
  devices: readonly DeviceState[] = [device()],
): ReachFacts => ({
  walks,
  devices: present(devices),
});

/** What a rule gets: the walks, and the counters of the container's own namespace as `[before, after]`. */
export const reachFacts = (
  walks: readonly PacketWalk[] | 'not looked at',
  counters: Readonly<Record<string, readonly [number, number]>> = {},
  devices?: readonly DeviceState[],
) => ({
  ...common(),
  networkCounters: {
    first: Object.fromEntries(Object.entries(counters).map(([name, [before]]) => [name, before])),
    last: Object.fromEntries(Object.entries(counters).map(([name, [, after]]) => [name, after])),
  },
  traced: absent('instruments', 'needs-trace', '--deep runs them'),
  reach:
    walks === 'not looked at'
      ? absent('the ways of its packets', 'disabled', 'name it: glassbox diagnose web-1')
      : present(reachOf(walks, devices)),
});
