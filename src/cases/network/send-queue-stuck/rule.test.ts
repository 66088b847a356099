import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, process } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import type { TcpInfo } from '../../../linux/net/tcp-info.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { Observation } from '../../../observe/observation.ts';
import type { SocketFigures, StuckConnection } from '../../../observe/tcp.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const info = (change: Partial<TcpInfo> = {}): TcpInfo => ({
  retransmits: 0,
  probes: 0,
  backoff: 3,
  roundTrip: 100,
  unacked: 0,
  retransmitted: 0,
  sinceAck: 300,
  sinceSent: 4000,
  sinceReceived: 4000,
  acked: 70_000,
  received: 0,
  sendWindow: 0,
  receiveWindow: 65_536,
  windowLimited: 4_000_000,
  ...change,
});

const socket = (change: Partial<SocketFigures> = {}, of: Partial<TcpInfo> = {}): SocketFigures => ({
  local: '10.0.0.2',
  localPort: 40_000,
  remote: '10.0.0.9',
  remotePort: 7007,
  state: 'ESTAB',
  timer: 'window-probe',
  unread: 0,
  unsent: 3_000_000,
  inode: 1,
  info: info(of),
  receiveMemory: { used: 0, limit: 131_072 },
  ...change,
});

const both = (how: StuckConnection['how'], one: SocketFigures): StuckConnection => ({
  how,
  first: one,
  last: one,
  process: hostPid(4711),
});

const closed = (of: Partial<TcpInfo> = {}) => both('window-closed', socket({}, of));
const unanswered = (of: Partial<TcpInfo> = {}) =>
  both(
    'unanswered',
    socket(
      { timer: 'retransmit' },
      { retransmits: 4, sinceAck: 6000, sendWindow: 65_536, unacked: 3, ...of },
    ),
  );
const unread = (change: Partial<SocketFigures> = {}, of: Partial<TcpInfo> = {}) =>
  both(
    'unread',
    socket(
      {
        local: '10.0.0.9',
        localPort: 7007,
        remote: '10.0.0.2',
        remotePort: 40_000,
        timer: 'none',
        unsent: 0,
        unread: 65_000,
        ...change,
      },
      { received: 65_001, receiveWindow: 0, ...of },
    ),
  );

const judge = (
  stuck: readonly StuckConnection[],
  { connections = stuck.length, onHost = false, state = 'S' } = {},
) =>
  rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    tcp: { connections, complete: true, ports: null, destinations: [], stuck },
    networkCounters: present({ first: { 'TcpExt.TCPWinProbe': 3 }, last: { 'TcpExt.TCPWinProbe': 4 } }),
    processes: present([process(onHost ? 99 : 4711, { status: { state } })]),
  });

test('found: the far side has closed its window, and answers the probes', () => {
  expect(judge([closed()])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^2\.86 MiB of \/usr\/bin\/app \(pid 4711\) wait .* The far side 10\.0\.0\.9:7007/,
    ),
    evidence: [
      { observed: 'Send-Q 3000000 timer persist backoff 3' },
      { observed: 'snd_wnd 0' },
      { observed: '70000 → 70000' },
      {},
      { observed: '3 → 4' },
    ],
    excluded: [{ claim: expect.stringContaining('Not lost packets') }],
  });
});

test('found: both ends are here, and the one that does not read is named first', () => {
  const verdict = judge([closed(), unread()]);
  expect(verdict).toMatchObject({
    kind: 'found',
    summary: expect.stringMatching(
      /does not read from 10\.0\.0\.9:7007 → 10\.0\.0\.2:40000.*This side holds it up\.$/,
    ),
    evidence: [
      { observed: 'Recv-Q 65000 → 65000' },
      { observed: '1 → 1' },
      { observed: 'rcv_wnd 0' },
      { observed: expect.stringContaining('persist') },
      {},
      {},
      {},
      {},
    ],
  });
});

test('found: nothing is acknowledged, which is not the far program', () => {
  expect(judge([unanswered()])).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('nothing has been acknowledged for 6000 ms'),
    excluded: [{ claim: expect.stringContaining("Not the peer's program") }],
    fixes: [{ command: 'glassbox diagnose web-1 --to 10.0.0.9:7007' }, {}, {}],
    trace: 'drops',
  });
});

test('one stuck client of many is told, but is no alarm', () => {
  expect(judge([closed()], { connections: 200 })).toMatchObject({ kind: 'found', severity: 'notice' });
});

test('a program that was stopped by a signal', () => {
  const verdict = judge([unread()], { state: 'T' });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.command).toBe('kill -CONT 4711');
});

test('before 6.2 the receive buffer tells that the window is closed', () => {
  const { receiveWindow, ...older } = info({ received: 65_001 });
  const full = unread({ info: older, receiveMemory: { used: 130_000, limit: 131_072 } });
  const roomy = unread({ info: older, receiveMemory: { used: 70_000, limit: 131_072 } });
  expect(judge([full])).toMatchObject({ kind: 'found' });
  expect(judge([roomy])).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, readonly StuckConnection[], { readonly onHost?: boolean }]>([
  ['nothing stuck', [], {}],
  ['a window that closed a moment ago', [closed({ sinceSent: 200 })], {}],
  ['one timeout: a lost packet', [unanswered({ retransmits: 1 })], {}],
  ['unread, but the peer may go on sending', [unread({}, { receiveWindow: 20_000 })], {}],
  ['unread for a moment', [unread({}, { sinceReceived: 100 })], {}],
  ["on the host's network, somebody else's", [closed()], { onHost: true }],
])('ruled out: %s', (_, stuck, how) => {
  expect(judge(stuck, how)).toMatchObject({ kind: 'ruled-out' });
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
    { case: 'network/send-queue-stuck', verdict: { kind } },
  ]);
});
