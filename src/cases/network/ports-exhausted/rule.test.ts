import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere, process } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import type { Sysctls } from '../../../linux/net/sysctl.ts';
import { present, type Reading } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { Listener, Observation } from '../../../observe/observation.ts';
import type { Destination, TcpFacts } from '../../../observe/tcp.ts';
import type { Traced } from '../../../trace/results.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const destination = (change: Partial<Destination> = {}): Destination => ({
  local: '10.0.0.2',
  remote: '10.0.0.9',
  port: 5432,
  held: 100,
  heldBefore: 100,
  states: { ESTAB: 100 },
  process: hostPid(4711),
  ...change,
});

interface Variation {
  readonly destinations?: readonly Destination[];
  readonly tcp?: Partial<TcpFacts>;
  readonly sysctls?: Sysctls;
  readonly listening?: readonly number[];
  readonly onHost?: boolean;
  readonly failed?: readonly string[];
}

/** Attempts that a trace saw fail, by their own address and port. */
const traced = (locals: readonly string[]): Reading<Traced> => {
  const events = locals.map(local => ({
    at: 1,
    kind: 'failed' as const,
    state: 'SYN_SENT',
    error: null,
    local,
    remote: '10.0.0.9:5432',
  }));
  return present({
    tcp: present({
      engine: 'ebpf',
      lost: 0,
      ended: 'stopped',
      seconds: 1,
      retransmits: 0,
      resetsSent: 0,
      resetsReceived: 0,
      failed: events.length,
      opened: { active: 0, passive: 0 },
      closed: 0,
      peers: [],
      events,
      sharedNetwork: false,
    }),
  });
};

const listener = (port: number): Listener => ({
  address: '0.0.0.0',
  port,
  queued: 0,
  backlog: present(128),
  dropped: notThere,
  inode: port,
  process: null,
});

const judge = ({
  destinations = [destination()],
  tcp = {},
  sysctls = { 'net.ipv4.tcp_tw_reuse': '2' },
  listening = [],
  onHost = false,
  failed,
}: Variation) =>
  rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    tcp: {
      connections: 120,
      complete: true,
      ports: { first: 40_000, last: 40_099, reserved: 0 },
      destinations,
      stuck: [],
      ...tcp,
    },
    containerSysctls: present(sysctls),
    listeners: present(listening.map(listener)),
    networkCounters: notThere,
    processes: present([process(4711)]),
    traced: failed === undefined ? notThere : traced(failed),
  });

test('found: every port of the range is taken for one destination, at both ends of the window', () => {
  expect(
    judge({ destinations: [destination(), destination({ port: 80, held: 3, heldBefore: 3 })] }),
  ).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'likely',
    trace: 'tcp',
    summary: expect.stringMatching(
      /^All 100 local ports .* for 10\.0\.0\.9:5432 from 10\.0\.0\.2 are taken, many by \/usr\/bin\/app \(pid 4711\): 100 ESTAB/,
    ),
    evidence: [{ observed: '40000 40099' }, { observed: '100 → 100' }, { observed: '100 ESTAB' }],
    excluded: [{}, { claim: expect.stringContaining('Not the network'), observed: '3 of 100 ports' }, {}],
  });
});

test('proved by a trace: attempts without a local port; one that was refused has one', () => {
  expect(judge({ failed: ['10.0.0.2:0', '10.0.0.2:0', '10.0.0.2:40001'] })).toMatchObject({
    certainty: 'proved',
    evidence: [{}, {}, {}, { observed: '2 times' }],
  });
  expect(judge({ failed: ['10.0.0.2:40001'] })).toMatchObject({ certainty: 'likely' });
});

test.each<[string, Variation]>([
  ['one port is left', { destinations: [destination({ held: 99, states: { ESTAB: 99 } })] }],
  ['there was room at the beginning', { destinations: [destination({ heldBefore: 60 })] }],
  [
    'many destinations have the ports among them',
    { destinations: [destination({ held: 50 }), destination({ port: 80, held: 50 })] },
  ],
  ['no connections at all', { destinations: [], tcp: { connections: 0, ports: null } }],
  [
    'loopback: connect() takes those in TIME-WAIT over',
    { destinations: [destination({ remote: '127.0.0.1', states: { 'TIME-WAIT': 100 } })] },
  ],
  [
    'tcp_tw_reuse is 1',
    {
      destinations: [destination({ states: { 'TIME-WAIT': 100 } })],
      sysctls: { 'net.ipv4.tcp_tw_reuse': '1' },
    },
  ],
  [
    "on the host's network, of somebody else",
    { onHost: true, destinations: [destination({ process: hostPid(9) })] },
  ],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, Variation]>([
  ['in TIME-WAIT, of another machine', { destinations: [destination({ states: { 'TIME-WAIT': 100 } })] }],
  [
    'half closed on loopback',
    { destinations: [destination({ remote: '::1', states: { 'FIN-WAIT-2': 100 } })] },
  ],
  ['reserved ports do not count', { tcp: { ports: { first: 40_000, last: 40_109, reserved: 10 } } }],
  [
    'nor one that somebody listens on',
    { destinations: [destination({ held: 99, heldBefore: 99 })], listening: [40_050, 80] },
  ],
  ["on the host's network, its own", { onHost: true }],
])('found: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'found' });
});

test.each([
  ['TIME-WAIT', /^Keep connections/],
  ['FIN-WAIT-2', /server does not close/],
  ['CLOSE-WAIT', /leaks sockets/],
  ['SYN-SENT', /does not answer/],
  ['ESTAB', /^Open fewer/],
])('the fix for %s comes first', (state, action) => {
  const verdict = judge({ destinations: [destination({ states: { [state]: 99, 'LAST-ACK': 1 } })] });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.action).toMatch(action);
});

test('too many connections to count decide nothing', () => {
  expect(judge({ destinations: [], tcp: { complete: false, connections: 900_000 } })).toMatchObject({
    kind: 'inconclusive',
    missing: [{ remedy: expect.stringContaining('900000') }],
  });
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
    { case: 'network/ports-exhausted', verdict: { kind } },
  ]);
});
