import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { device, effect, leg, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringMatching(/have to cross port0 in router .*, which is switched off/),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const off = { kind: 'link-down', device: 'port0', place: 'router', how: 'down' } as const;
const silent = { mac: null, state: 'FAILED', macBefore: null };

test('proved when nobody answers on the link, likely when nothing tries to cross it', () => {
  const tried = walk({ out: leg(off, stage('client', { neighbour: silent })), back: null });
  expect(rule(reachFacts([tried]))).toMatchObject({ certainty: 'proved' });
  const asked = { ...tried, reason: 'asked' as const, waiting: 0 };
  expect(rule(reachFacts([asked]))).toMatchObject({ certainty: 'likely', severity: 'critical' });
});

test('a port that the bridge does not forward at, and a wire without a carrier, are told', () => {
  const how = (kind: 'port' | 'no-carrier') =>
    walk({ out: leg({ ...off, how: kind }, stage('client')), back: null });
  expect(rule(reachFacts([how('port')]))).toMatchObject({
    summary: expect.stringContaining('does not forward at'),
  });
  expect(rule(reachFacts([how('no-carrier')]))).toMatchObject({
    summary: expect.stringContaining('unplugged'),
  });
});

const failing = { 'Ip.OutNoRoutes': [0, 7] } as const;

test('its own device is off: the routes went with it', () => {
  expect(rule(reachFacts([], failing, [device({ up: false, carrier: false })]))).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('eth0 (10.77.0.2/24) is switched off'),
    fixes: [{ command: 'nsenter -t 4711 -n ip link set eth0 up' }],
  });
});

test('a device that is off and that no packet misses is no fault; nor is one without an address', () => {
  expect(rule(reachFacts([], {}, [device({ up: false })])).kind).toBe('ruled-out');
  expect(rule(reachFacts([], failing, [device({ up: false, addresses: [] })])).kind).toBe('ruled-out');
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
