import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { leg, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { judge } from '../../../diagnose/engine.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { Observation } from '../../../observe/observation.ts';
import type { QueueState, Stage } from '../../../observe/reach/path.ts';
import { entry } from '../../entry.ts';
import { definition } from './case.ts';
import { lab } from './lab.ts';
import { rule } from './rule.ts';

const verdictOn = (fixture: string) => {
  const observation: Observation = JSON.parse(
    readFileSync(new URL(`./fixture/${fixture}.json`, import.meta.url), 'utf8'),
  );
  const [container] = observation.containers;
  if (container === undefined) throw new Error('a fixture without a container');
  return judge(observation, container, [entry(definition, rule, lab)])[0]?.verdict;
};

test('found in the problem with the hook and its counter; ruled out in the healthy twin', () => {
  expect(verdictOn('problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('a program that is a filter for what goes out'),
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: 'Drops of clsact at up0' }),
      expect.objectContaining({ claim: 'A filter there, which does not count' }),
    ]),
  });
  expect(verdictOn('healthy')).toMatchObject({ kind: 'ruled-out' });
});

const queue = (change: Partial<QueueState> = {}): QueueState => ({
  place: 'router',
  device: 'up0',
  way: 'out',
  kind: 'tbf',
  options: 'rate 125000 burst 60 lat 0',
  packets: [100, 100],
  drops: [5, 25],
  filters: [],
  ...change,
});

const passing = (change: Partial<QueueState>, waiting = 15, more: Partial<Stage> = {}) =>
  reachFacts([
    walk({
      waiting,
      out: leg(
        { kind: 'delivered', namespace: stage('server').namespace },
        stage('client'),
        stage('router', { queues: present([queue(change)]), ...more }),
        stage('server'),
      ),
    }),
  ]);

test('a queue that drops all that comes is proved, one that drops much is likely', () => {
  expect(rule(passing({}))).toMatchObject({
    certainty: 'proved',
    summary: expect.stringContaining('the queue for what goes out (tbf)'),
    fixes: [{ command: expect.stringContaining('tc qdisc del dev up0 root') }],
  });
  expect(rule(passing({ packets: [100, 120] }))).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('only a trace tells'),
  });
});

test.each([
  ['few drops of many packets, as any full queue has', { packets: [0, 1000], drops: [0, 30] }, 15],
  ['drops that nobody waits for', {}, 0],
  ['drops before the window only', { drops: [25, 25] }, 15],
  ['a queue that was not there in the first sample', { drops: [null, 25], packets: [null, 100] }, 15],
  ['a counter that went back', { drops: [25, 5] }, 15],
  [
    'a hook that dropped what comes in, without a filter for what goes out',
    { kind: 'clsact', packets: [0, 20] },
    15,
  ],
] as const)('silent: %s', (_, change, waiting) => {
  expect(rule(passing(change, waiting))).toMatchObject({ kind: 'ruled-out' });
});

const filter = (packets: readonly [number, number], drops: readonly [number, number]) => ({
  text: 'pref 49152 all matchall police drop',
  acted: { packets, drops },
});

test('a filter that counts for itself is named, and is likely where other packets pass the same hook', () => {
  const shared = { kind: 'clsact', packets: [0, 1000], drops: [0, 20] } as const;
  expect(rule(passing({ ...shared, filters: [filter([0, 20], [0, 20])] }))).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining(
      '(pref 49152 all matchall police drop) dropped 100 % of what it matched',
    ),
  });
  // A policer that lets most of it pass.
  expect(rule(passing({ ...shared, filters: [filter([0, 400], [0, 20])] })).kind).toBe('ruled-out');
  // Filters that count for themselves dropped nothing: it was the other direction.
  expect(rule(passing({ ...shared, filters: [filter([0, 400], [0, 0])] })).kind).toBe('ruled-out');
});

test('an XDP program on the way, or queues that cannot be read, leave it open', () => {
  const programs = [{ place: 'the host', device: 'veth1', id: 17, mode: 'driver' }];
  expect(rule(passing({ drops: [0, 0] }, 15, { programs }))).toMatchObject({
    kind: 'inconclusive',
    missing: [
      { what: expect.stringContaining('XDP program 17 at veth1 in the host'), because: 'needs-trace' },
    ],
  });
  expect(rule(passing({ drops: [0, 0] }, 0, { programs })).kind).toBe('ruled-out');
  const queues = absent('tc -s -j qdisc show', 'disabled', 'there is no tc here: apt-get install iproute2');
  expect(rule(passing({}, 15, { queues }))).toMatchObject({
    kind: 'inconclusive',
    missing: [{ what: 'tc -s -j qdisc show' }],
  });
});

staysSilentWithoutItsFault(rule);
