import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere, process } from '../../../../test/support/facts.ts';
import type { Container } from '../../../containers/container.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import type { Sysctls } from '../../../linux/net/sysctl.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { Listener, Observation } from '../../../observe/observation.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const listener = (change: Partial<Listener> = {}): Listener => ({
  address: '127.0.0.1',
  port: 7003,
  queued: 0,
  backlog: present(5),
  dropped: present({ total: 0, inWindow: 0 }),
  inode: 47444,
  process: null,
  ...change,
});
/** Twelve clients came, nobody accepted. */
const overflowing = listener({
  queued: 6,
  dropped: present({ total: 16, inWindow: 8 }),
  process: hostPid(4711),
});

interface Variation {
  /** Overflows before and after. */
  readonly overflows?: readonly [number, number];
  readonly requests?: readonly [number, number];
  readonly cookies?: number;
  readonly listeners?: readonly Listener[];
  readonly sysctls?: Reading<Sysctls>;
  readonly who?: Partial<Container>;
  readonly state?: string;
}

function judge({
  overflows = [0, 0],
  requests = [0, 0],
  cookies = 0,
  listeners = [listener()],
  sysctls = present({ 'net.core.somaxconn': '4096' }),
  who = {},
  state = 'S',
}: Variation) {
  const at = (sample: 0 | 1) => ({
    'TcpExt.ListenOverflows': overflows[sample],
    'TcpExt.ListenDrops': overflows[sample] + requests[sample],
    'TcpExt.TCPReqQFullDrop': requests[sample],
    'TcpExt.SyncookiesSent': sample * cookies,
  });
  return rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(4026532255) }, ...who }),
      host: host({ namespaces: { net: namespaceId(4026531840) } }),
    }),
    networkCounters: { first: at(0), last: at(1) },
    listeners,
    containerSysctls: sysctls,
    processes: present([process(4711, { status: { state } })]),
  });
}

test('found: the counter moved, and the socket says that it was this one', () => {
  expect(judge({ overflows: [3, 14], listeners: [overflowing] })).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(
      /In 1\.0 s the kernel found the accept queue of 127\.0\.0\.1:7003 \(\/usr\/bin\/app, pid 4711\) full 11 times/,
    ),
    evidence: [
      { source: '/proc/4711/net/netstat TcpExt.ListenOverflows', observed: '3 → 14' },
      { source: '/proc/4711/net/netstat TcpExt.ListenDrops', observed: '3 → 14' },
      { observed: 'Recv-Q 6 Send-Q 5 d16 (+8)' },
      { observed: '4096' },
    ],
  });
});

test('found: a queue that is empty again, told by its drops in the window', () => {
  const drained = listener({ dropped: present({ total: 240, inWindow: 168 }), process: hostPid(4711) });
  const old = listener({ port: 9, dropped: present({ total: 900, inWindow: 0 }), process: hostPid(4711) });
  expect(judge({ overflows: [72, 240], listeners: [old, drained] })).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('127.0.0.1:7003'),
  });
});

test("in a pod a socket that nobody is known to hold may be a neighbour's", () => {
  const unknown = listener({ backlog: notThere, dropped: notThere });
  const who = { pod: { namespace: 'shop', name: 'web', container: 'sidecar' } };
  expect(judge({ overflows: [0, 4], listeners: [unknown], who })).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
  });
});

test('found: the counter moved, the socket is not known (no right to ask)', () => {
  const unknown = listener({ backlog: notThere, dropped: notThere });
  expect(judge({ overflows: [0, 4], listeners: [unknown] })).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining("which socket's is not known"),
  });
});

test.each([
  ['dropped before', { total: 5, inWindow: 0 }, 'proved'],
  ['nobody came yet', { total: 0, inWindow: 0 }, 'likely'],
])('found: full now, %s', (_, dropped, certainty) => {
  const full = listener({ queued: 6, dropped: present(dropped), process: hostPid(4711) });
  expect(judge({ overflows: [5, 5], listeners: [full] })).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty,
  });
});

test('found: the queue of half-open connections, without SYN cookies', () => {
  expect(judge({ requests: [0, 7], listeners: [overflowing] })).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('tcp_syncookies is off'),
  });
});

test.each<[string, Variation]>([
  ['nothing at all', {}],
  ['no listener', { listeners: [] }],
  ['an old counter and empty queues', { overflows: [29, 29] }],
  ['a busy queue that has room', { listeners: [listener({ queued: 300, backlog: present(511) })] }],
  ['a queue exactly at its limit: one more fits', { listeners: [listener({ queued: 5 })] }],
  ['full, of another container of the pod', { listeners: [{ ...overflowing, process: hostPid(99) }] }],
  [
    'moved, by another container of the pod',
    { overflows: [0, 4], listeners: [{ ...overflowing, process: hostPid(99) }] },
  ],
  [
    'moved in the namespace of the host, by a socket that is not its own',
    {
      overflows: [0, 4],
      listeners: [{ ...overflowing, process: null }],
      who: { namespaces: { net: namespaceId(4026531840) } },
    },
  ],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test('found on the host network too, when the socket is its own; and says whose counter it is', () => {
  const who = { namespaces: { net: namespaceId(4026531840) } };
  const verdict = judge({ overflows: [0, 4], listeners: [overflowing], who });
  expect(verdict).toMatchObject({
    kind: 'found',
    evidence: [{ claim: expect.stringContaining('in the namespace of the host') }, {}, {}, {}],
  });
});

test('an old counter is told as old', () => {
  expect(judge({ overflows: [29, 29] })).toMatchObject({
    evidence: [{ observed: '29 → 29' }, {}, { observed: expect.stringContaining('Recv-Q 0') }],
  });
});

test.each<[string, Reading<Sysctls>, number, RegExp, RegExp]>([
  [
    'the program',
    present({ 'net.core.somaxconn': '4096' }),
    5,
    /program asked for no more .* allows 4096/,
    /^Ask/,
  ],
  [
    'somaxconn',
    present({ 'net.core.somaxconn': '128' }),
    128,
    /is 128 in this namespace and caps it/,
    /^Raise the cap/,
  ],
  ['an earlier somaxconn', present({ 'net.core.somaxconn': '64' }), 128, /set before/, /^Raise the cap/],
  ['nobody knows', notThere, 5, /could not be read/, /^Raise the cap/],
])('which limit acts: %s', (_, sysctls, backlog, said, firstFix) => {
  const full = { ...overflowing, queued: backlog + 1, backlog: present(backlog) };
  expect(judge({ overflows: [0, 4], listeners: [full], sysctls })).toMatchObject({
    summary: expect.stringMatching(said),
  });
  const verdict = judge({ overflows: [0, 4], listeners: [full], sysctls });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.action).toMatch(firstFix);
});

test('a stopped process, SYN cookies and a reset instead of silence are said', () => {
  const sysctls = present({ 'net.core.somaxconn': '4096', 'net.ipv4.tcp_abort_on_overflow': '1' });
  const verdict = judge({ overflows: [0, 4], listeners: [overflowing], sysctls, state: 'T', cookies: 3 });
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(/Nobody accepts: the process is stopped by a signal\..*connections reset/),
    fixes: [{ command: 'kill -CONT 4711' }, {}],
    evidence: [
      {},
      {},
      {},
      {},
      { observed: 'T', source: '/proc/4711/status State' },
      { claim: expect.stringContaining('SYN cookies sent'), observed: '+3' },
    ],
  });
});

test('a counter that went back, or that the kernel lacks, decides nothing', () => {
  expect(judge({ overflows: [9, 2] })).toMatchObject({ missing: [{ because: 'vanished' }] });
  const empty = { first: {}, last: {} };
  const verdict = rule({
    ...common(),
    networkCounters: empty,
    listeners: [],
    containerSysctls: notThere,
    processes: absent('its processes', 'vanished', 'look again'),
  });
  expect(verdict).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'kernel-too-old' }] });
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
    { case: 'network/listen-queue-overflow', verdict: { kind } },
  ]);
});
