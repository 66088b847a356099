import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host, notThere } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import type { ConntrackStat } from '../../../linux/net/conntrack-stat.ts';
import { absent, present } from '../../../linux/reading.ts';
import { namespaceId } from '../../../linux/units.ts';
import type { Observation } from '../../../observe/observation.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const at = (entries: number, drop = 0, insertFailed = 0): ConntrackStat => ({
  entries,
  drop,
  earlyDrop: 0,
  insertFailed,
});

interface Variation {
  readonly count?: number;
  readonly max?: number;
  readonly first?: ConntrackStat;
  readonly last?: ConntrackStat;
  readonly host?: readonly [number, ConntrackStat, ConntrackStat];
  readonly onHost?: boolean;
}

const sysctls = (count: number, max: number) => ({
  'net.netfilter.nf_conntrack_count': String(count),
  'net.netfilter.nf_conntrack_max': String(max),
});

function judge({ count = 0, max = 1000, first, last, host: outside, onHost = false }: Variation) {
  const [hostCount = 10, hostFirst = at(10), hostLast = at(10)] = outside ?? [];
  return rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({
        namespaces: { net: namespaceId(1) },
        conntrack: present({ first: hostFirst, last: hostLast }),
      }),
    }),
    containerSysctls: sysctls(count, max),
    conntrack: first === undefined ? notThere : present({ first, last: last ?? first }),
    hostSysctls: present(sysctls(hostCount, max)),
    networkCounters: present({ first: {}, last: {} }),
  });
}

test('found: full, and packets that would have begun a connection were dropped', () => {
  expect(judge({ count: 1000, first: at(1000, 27), last: at(1000, 54) })).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/is full: 1000 of 1000\. In 1\.0 s the kernel dropped 27 packets/),
    evidence: [
      { observed: '1000 of 1000' },
      { source: '/proc/4711/net/stat/nf_conntrack drop (all CPUs)', observed: '27 → 54' },
    ],
    fixes: [{ command: 'sysctl -w net.netfilter.nf_conntrack_max=4000' }, {}, {}],
  });
});

test('found: full to a hundredth, for entries have expired since', () => {
  expect(judge({ count: 992, first: at(1000, 0), last: at(992, 5) })).toMatchObject({ kind: 'found' });
});

test.each([
  ['dropped before', at(1000, 9), 'proved'],
  ['nobody came yet', at(1000), 'likely'],
])('found: full now, %s', (_, stat, certainty) => {
  expect(judge({ count: 1000, first: stat })).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty,
  });
});

test("found: the host's table, in which what it routes for the container is", () => {
  const verdict = judge({ count: 3, first: at(3), host: [1000, at(1000, 5), at(1000, 9)] });
  expect(verdict).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
    summary: expect.stringMatching(/^The host's table/),
    evidence: [
      { claim: 'Tracked connections of the host' },
      { source: expect.stringContaining('/proc/1/net') },
    ],
    trace: 'drops',
  });
});

test.each<[string, Variation]>([
  ['nothing tracked', {}],
  ['room', { count: 500, first: at(500) }],
  ['drops of two packets at once, with room', { count: 500, first: at(500, 3), last: at(500, 9) }],
  [
    'entries that failed to go in, counted as drops',
    { count: 995, first: at(995, 3, 3), last: at(995, 9, 9) },
  ],
  ['no limit at all', { count: 1000, max: 0, first: at(1000, 0), last: at(1000, 9) }],
  ['old drops', { count: 10, first: at(10, 900) }],
  ['on the host, with room', { onHost: true, count: 10, first: at(10) }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test('a limit that cannot be read decides nothing', () => {
  const verdict = rule({
    ...common(),
    containerSysctls: {},
    conntrack: present({ first: at(9), last: at(9) }),
    hostSysctls: absent('/proc/sys/net', 'not-permitted', 'run as root'),
    networkCounters: notThere,
  });
  expect(verdict).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'not-permitted' }] });
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
    { case: 'network/conntrack-table-full', verdict: { kind } },
  ]);
});
