import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  cpuSample,
  host,
  level,
  notThere,
} from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { hostPid, type Microseconds, microseconds, namespaceId } from '../../../linux/units.ts';
import type { Receiver } from '../../../observe/networks.ts';
import type { Observation } from '../../../observe/observation.ts';
import type { CpuSoftirqs } from '../../../observe/softirqs.ts';
import type { Traced } from '../../../trace/results.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const cpu = (number: number, softirqMs: number, change: Partial<CpuSoftirqs> = {}): CpuSoftirqs => ({
  cpu: number,
  softirqTime: microseconds(softirqMs * 1000),
  interruptTime: microseconds(0),
  runs: { NET_RX: 900, TIMER: 250 },
  packets: softirqMs * 100,
  dropped: 0,
  squeezed: 0,
  steered: softirqMs,
  ...change,
});

const traced = (takenUs: number): Reading<Traced> =>
  present({
    softirq: present({
      engine: 'ebpf',
      lost: 0,
      ended: 'stopped',
      seconds: 1,
      vectors: [],
      times: {},
      functions: [
        {
          name: 'process_backlog',
          kind: 'poll',
          whose: 'container',
          packets: 90_000,
          count: 900,
          us: takenUs,
        },
      ],
      takenUs,
    } as unknown as Extract<NonNullable<Traced['softirq']>, { present: true }>['value']),
  });

interface Variation {
  readonly softirqs?: readonly CpuSoftirqs[];
  /** ms on each CPU; null on cgroup v2. */
  readonly uses?: Readonly<Record<string, number>> | null;
  readonly total?: number;
  readonly own?: number;
  readonly cpus?: readonly number[];
  readonly trace?: Reading<Traced>;
  readonly shared?: boolean;
  readonly receivers?: Reading<readonly Receiver[]>;
}

const noTrace = absent('instruments', 'needs-trace', 'glassbox diagnose --deep');

function judge({
  softirqs = [cpu(0, 0), cpu(1, 930)],
  uses = { 1: 1000 },
  total = 1000,
  own = 0,
  cpus = [1],
  trace = noTrace,
  shared = false,
  receivers = notThere,
}: Variation) {
  const usage = (ms: number) => cpuSample({ usage: present(microseconds(ms * 1000)) });
  const byCpu = Object.fromEntries(
    Object.entries(uses ?? {}).map(([number, ms]): [string, Microseconds] => [
      number,
      microseconds(ms * 1000),
    ]),
  );
  return rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    softirqs,
    cpu: { ...chain(level('/box/web-1', usage(total), usage(0))), shared },
    cpuByCpu: uses === null ? notThere : present(byCpu),
    cpuset: present(chain(level('/box/web-1', { cpus, memoryNodes: [0] }))),
    networkCounters: present({ first: { 'Ip.InReceives': 5 }, last: { 'Ip.InReceives': 5 + own } }),
    receivers,
    traced: trace,
  });
}

test('found: both do not fit beside each other, so one was charged to the other', () => {
  expect(judge({})).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringMatching(
      /On CPU 1 the kernel spent 930 ms of 1000 ms in softirqs, and charged this container 1000 ms .* at least 930 ms .* 93000 packets a second, of which 0/,
    ),
    evidence: [
      { source: '/proc/stat cpu1 softirq', observed: '+930 ms in 1000 ms' },
      { source: 'cpuacct.usage_percpu', observed: '+1000 ms' },
      { observed: 'NET_RX 900, TIMER 250' },
      { observed: '+93000, 930 handovers' },
    ],
    fixes: [{ action: expect.stringContaining('receive steering') }, {}, {}],
  });
});

const receiver = (change: Partial<Receiver> = {}): Receiver => ({
  ...{ namespace: namespaceId(7), pid: hostPid(71), name: 'receiver', device: 'eth0', received: 90_000 },
  sender: { namespace: namespaceId(8), pid: hostPid(72), name: 'sender' },
  ...change,
});

test('whose device took them is named, with who sent them; too few, or its own, are not', () => {
  expect(judge({ receivers: present([receiver()]) })).toMatchObject({
    summary: expect.stringContaining(
      'eth0 of the network of receiver (pid 71) received 90000 a second, sent from the network of sender (pid 72)',
    ),
    evidence: expect.arrayContaining([
      expect.objectContaining({ observed: '+90000 from the network of sender (pid 72)' }),
    ]),
  });
  for (const other of [receiver({ received: 900 }), receiver({ namespace: namespaceId(2) })])
    expect(judge({ receivers: present([other]) })).toMatchObject({
      summary: expect.not.stringContaining('received 9'),
    });
});

test('found on cgroup v2, which knows no single CPUs: the cpuset stands in', () => {
  expect(judge({ uses: null })).toMatchObject({
    kind: 'found',
    evidence: [{}, { source: 'usage of its cgroup, on the CPUs of its cpuset' }, {}, {}],
  });
  expect(judge({ uses: null, cpus: [0, 1] })).toMatchObject({ kind: 'inconclusive' });
});

test('found by the trace, though ticks saw little', () => {
  expect(
    judge({ softirqs: [cpu(1, 20, { packets: 12_000 })], uses: { 1: 700 }, trace: traced(400_000) }),
  ).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringMatching(/^Softirqs took 40 % of a CPU/),
    evidence: expect.arrayContaining([expect.objectContaining({ observed: 'process_backlog (poll)' })]),
  });
});

test('few packets: the source is another', () => {
  const verdict = judge({ softirqs: [cpu(1, 400, { packets: 90, steered: 0, runs: { TIMER: 250 } })] });
  expect(verdict).toMatchObject({ kind: 'found', summary: expect.stringContaining('rather timers') });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.action).toContain('Move the container');
});

test.each<[string, Variation]>([
  ['much of a full CPU, but the sums leave room', { softirqs: [cpu(1, 500)], uses: { 1: 450 } }],
  [
    'many packets of others between the ticks',
    { softirqs: [cpu(1, 0, { packets: 9000 })], uses: { 1: 500 } },
  ],
])('needs a trace: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
  expect(judge({ ...variation, trace: traced(10_000) })).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, Variation]>([
  ['quiet', { softirqs: [cpu(0, 0), cpu(1, 0)] }],
  ['busy elsewhere', { softirqs: [cpu(0, 930), cpu(1, 0)] }],
  ['its own packets, over loopback', { own: 90_000 }],
  ['its own packets, as a trace saw them', { own: 90_000, trace: traced(500_000) }],
  ['it did not run', { uses: {}, total: 0 }],
  ['hardly ran', { uses: { 1: 60 }, softirqs: [cpu(1, 400)] }],
  ['shares its cgroup: charged may be another', { shared: true, softirqs: [cpu(1, 200, { packets: 0 })] }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
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
    {
      case: 'network/softirq-delay',
      verdict: {
        kind,
        ...(kind === 'found' ? { summary: expect.stringContaining('sent from the network of sender') } : {}),
      },
    },
  ]);
});
