import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { delivered, effect, leg, moved, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem, with the counter of the far side; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('the answers do not come back'),
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: 'Packets dropped for lack of a route' }),
      expect.objectContaining({ claim: expect.stringMatching(/^Packets that arrived in server/) }),
    ]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const unreachable = { kind: 'refused', error: 'ENETUNREACH', says: 'Network is unreachable' } as const;

test('a router on the way back without a route', () => {
  const router = stage('router', moved('IpExt.InNoRoutes', 0, 4));
  const back = leg({ kind: 'no-route', answer: unreachable }, stage('server', { enteredBy: null }), router);
  expect(rule(reachFacts([walk({ back })]))).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('router, on the way back,'),
  });
});

test('the reverse path filter, already on the way there', () => {
  const out = leg(
    { kind: 'wrong-way-in', device: 'eth1' },
    stage('client'),
    stage('server', moved('TcpExt.IPReversePathFilter', 1, 7)),
  );
  expect(rule(reachFacts([walk({ out, back: null })]))).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('rp_filter'),
    fixes: [{ command: expect.stringContaining('net.ipv4.conf.eth1.rp_filter=2') }],
  });
});

test('the container itself cannot answer its clients', () => {
  const counters = { 'Ip.OutNoRoutes': [0, 8], 'TcpExt.ListenDrops': [0, 8] } as const;
  expect(rule(reachFacts([], counters))).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('8 answers'),
  });
});

test('drops of a full queue are not answers without a route, nor are its own packets', () => {
  expect(rule(reachFacts([], { 'TcpExt.ListenDrops': [0, 8] })).kind).toBe('ruled-out');
  expect(rule(reachFacts([], { 'Ip.OutNoRoutes': [0, 8] })).kind).toBe('ruled-out');
});

test('the way back passes in full', () => {
  expect(rule(reachFacts([walk({ back: leg(delivered, stage('server')) })])).kind).toBe('ruled-out');
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
