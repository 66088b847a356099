import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { common, container, host } from '../../../../test/support/facts.ts';
import { judge as judgeObservation } from '../../../diagnose/engine.ts';
import { present } from '../../../linux/reading.ts';
import { namespaceId } from '../../../linux/units.ts';
import type { Observation } from '../../../observe/observation.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

interface Variation {
  readonly again?: number;
  readonly twice?: number;
  readonly seen?: number;
  readonly stamps?: number;
  readonly sent?: number;
  readonly timeouts?: number;
  readonly onHost?: boolean;
}

function judge({
  again = 355,
  twice = 355,
  seen = 67,
  stamps = 0,
  sent = 7000,
  timeouts = 0,
  onHost = false,
}: Variation) {
  const counters = (sample: 0 | 1) => ({
    'Tcp.RetransSegs': 1 + sample * again,
    'Tcp.OutSegs': sample * sent,
    'TcpExt.TCPDSACKRecv': sample * twice,
    'TcpExt.TCPSACKReorder': sample * seen,
    'TcpExt.TCPTSReorder': sample * stamps,
    'TcpExt.TCPTimeouts': sample * timeouts,
  });
  return rule({
    ...common({
      container: container({ namespaces: { net: namespaceId(onHost ? 1 : 2) } }),
      host: host({ namespaces: { net: namespaceId(1) } }),
    }),
    networkCounters: { first: counters(0), last: counters(1) },
    networks: present([]),
  });
}

test('found: what was sent again had arrived already', () => {
  expect(judge({})).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/^Of 355 segments .* 355 had not been lost.* 67 times a hole/),
    evidence: [{ observed: '1 → 356' }, { observed: '0 → 355' }, { observed: '0 → 67' }],
    excluded: [{ observed: '+0' }, { claim: 'Not a delay: no timeout' }, { observed: '+0' }],
  });
});

test('seen by time stamps, without SACK', () => {
  expect(judge({ seen: 0, stamps: 9 })).toMatchObject({ kind: 'found' });
});

test.each([
  ['less than a hundredth', { again: 9, twice: 9 }],
  ['on the host network, by anybody', { onHost: true }],
])('a notice: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'found', severity: 'notice' });
});

test.each<[string, Variation]>([
  ['nothing sent again', { again: 0, twice: 0, seen: 0 }],
  ['loss: hardly any came twice', { twice: 3 }],
  ['needless, but by a timeout that was too short: nothing overtook', { seen: 0, timeouts: 12 }],
  ['two probes at the end of a transfer', { again: 2, twice: 2, seen: 1 }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test('a counter that went back decides nothing', () => {
  expect(judge({ twice: -1 })).toMatchObject({ kind: 'inconclusive' });
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
    { case: 'network/reordering', verdict: { kind } },
  ]);
});
