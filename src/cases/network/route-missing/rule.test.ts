import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { device, effect, leg, moved, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem by the counter alone; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    evidence: expect.arrayContaining([expect.objectContaining({ claim: 'Packets without a route' })]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const unreachable = { kind: 'refused', error: 'ENETUNREACH', says: 'Network is unreachable' } as const;
const noRoute = (...stages: Parameters<typeof leg> extends [unknown, ...infer S] ? S : never) =>
  walk({ out: leg({ kind: 'no-route', answer: unreachable }, ...stages), back: null });

test('on a router: its own counter proves it', () => {
  const route = { command: 'ip route get 10.78.0.2 iif br0', answer: unreachable };
  const router = stage('router', { route, ...moved('IpExt.InNoRoutes', 3, 8) });
  expect(rule(reachFacts([noRoute(stage('client'), router)]))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('In router, which has to pass it on,'),
    evidence: expect.arrayContaining([expect.objectContaining({ observed: '3 → 8' })]),
  });
});

test('a gateway that nobody is is a wrong route; a destination that nobody is is none', () => {
  const nobody = (nextHop: string) =>
    walk({ out: leg({ kind: 'nobody', address: nextHop }, stage('client', { nextHop })), back: null });
  expect(rule(reachFacts([nobody('10.77.0.9')]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('goes by 10.77.0.9, which nobody'),
  });
  expect(rule(reachFacts([nobody('10.78.0.2')])).kind).toBe('ruled-out');
});

const counted = { 'Ip.OutNoRoutes': [2, 12] } as const;

test('answers to clients are not its own packets', () => {
  const answers = { ...counted, 'TcpExt.ListenDrops': [0, 10] } as const;
  expect(rule(reachFacts([], answers)).kind).toBe('ruled-out');
});

test('without any device it is told that it has no network; a device that is off is another case', () => {
  expect(rule(reachFacts([], counted, []))).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringContaining('network "none"'),
  });
  expect(rule(reachFacts([], counted, [device({ up: false })])).kind).toBe('ruled-out');
});

test('a counter that is only old says nothing; one that grew and devices that were not read leave it open', () => {
  expect(rule(reachFacts([], { 'Ip.OutNoRoutes': [12, 12] })).kind).toBe('ruled-out');
  expect(rule(reachFacts('not looked at', counted)).kind).toBe('inconclusive');
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
