import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { delivered, device, effect, leg, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem, with both holders and whom the router sends to; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/^10\.77\.0\.2 is on eth0 of .*, on one link: .* sends to twin/),
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: expect.stringMatching(/^Neighbour entry in router/) }),
    ]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const client = stage('client');
const holders = [
  { place: 'client', namespace: client.namespace, device: 'eth0', mac: '02:00:00:00:00:02' },
  { place: 'twin', namespace: stage('another').namespace, device: 'eth0', mac: '02:00:00:00:00:99' },
];
const back = (mac: string) =>
  walk({
    back: leg(
      delivered,
      stage('server', { enteredBy: null }),
      stage('router', {
        nextHop: '10.77.0.2',
        holders,
        neighbour: { mac, state: 'REACHABLE', macBefore: mac },
      }),
      client,
    ),
  });

test('proved when answers go to the other one, likely when they happen to come to the right one', () => {
  expect(rule(reachFacts([back('02:00:00:00:00:99')]))).toMatchObject({
    certainty: 'proved',
    summary: expect.stringContaining('router sends to twin, so that answers do not reach the container'),
  });
  expect(rule(reachFacts([back('02:00:00:00:00:02')]))).toMatchObject({ certainty: 'likely' });
});

test('an entry that changed in the window shows both', () => {
  const walked = back('02:00:00:00:00:99');
  const stages = walked.back?.stages.map(each =>
    each.neighbour === null
      ? each
      : { ...each, neighbour: { ...each.neighbour, macBefore: '02:00:00:00:00:02' } },
  );
  expect(rule(reachFacts([{ ...walked, back: leg(delivered, ...(stages ?? [])) }]))).toMatchObject({
    evidence: expect.arrayContaining([
      expect.objectContaining({ observed: '02:00:00:00:00:02 → 02:00:00:00:00:99 REACHABLE' }),
    ]),
  });
});

test('answers that end in another namespace', () => {
  const astray = walk({
    back: leg({ kind: 'astray', place: 'twin' }, stage('server', { enteredBy: null }), stage('twin')),
  });
  expect(rule(reachFacts([astray]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('end in twin'),
  });
});

test('what a probe heard: another for its own address is proved, two for the next hop may be one host', () => {
  const probed = (address: string, own: boolean, ...macs: readonly string[]) =>
    walk({
      waiting: 0,
      probe: {
        ...{ tcp: 'connected', milliseconds: 2, sent: ['a connection', 'echoes', '2 questions'] },
        ...{ echoes: [], questions: [{ address, own, device: 'eth0', macs }] },
      },
    });
  expect(rule(reachFacts([probed('10.77.0.2', true, '02:00:00:00:00:99')]))).toMatchObject({
    certainty: 'proved',
    evidence: expect.arrayContaining([expect.objectContaining({ observed: '02:00:00:00:00:99' })]),
  });
  const gateway = ['02:00:00:00:00:01', '02:00:00:00:00:11'] as const;
  expect(rule(reachFacts([probed('10.77.0.1', false, ...gateway)]))).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('one host with two devices'),
  });
  for (const fine of [probed('10.77.0.2', true), probed('10.77.0.1', false, gateway[0])])
    expect(rule(reachFacts([fine])).kind).toBe('ruled-out');
});

test('an address that its own kernel refused, with and without another to go on with', () => {
  const refused = ['fd77::9/64'];
  const alone = device({ addresses: ['10.77.0.2/24', 'fe80::2/64'], refused });
  expect(rule(reachFacts([], {}, [alone]))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('no other IPv6 address'),
  });
  expect(
    rule(reachFacts([], {}, [device({ addresses: ['fd77::2/64', 'fe80::2/64'], refused })])),
  ).toMatchObject({
    severity: 'warning',
    summary: expect.stringContaining('goes on with fd77::2/64'),
  });
  expect(rule(reachFacts([], {}, [device({ addresses: ['fd77::2/64'] })])).kind).toBe('ruled-out');
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
