import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { effect, leg, moved, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem, with the counter that moved; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/net\.ipv4\.conf\.br0\.forwarding is 0/),
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: 'Packets for others, thrown away' }),
      expect.objectContaining({ claim: expect.stringMatching(/^Forwarding in router/), observed: '0' }),
    ]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const stopped = (counters = {}) =>
  walk({
    out: leg(
      { kind: 'not-forwarded', sysctl: 'net.ipv4.conf.br0.forwarding' },
      stage('client'),
      stage('router', {
        forwarding: { sysctl: 'net.ipv4.conf.br0.forwarding', value: '0' },
        ...counters,
      }),
    ),
    back: null,
  });

test('proved by the counter of the router, likely without', () => {
  expect(rule(reachFacts([stopped(moved('Ip.InAddrErrors', 5, 9))]))).toMatchObject({ certainty: 'proved' });
  expect(rule(reachFacts([stopped()]))).toMatchObject({ certainty: 'likely' });
});

test('asked for, and nothing waits: it is said all the same', () => {
  const asked = { ...stopped(), reason: 'asked' as const, waiting: 0 };
  expect(rule(reachFacts([asked]))).toMatchObject({ kind: 'found', severity: 'critical' });
});

test('the command names the namespace', () => {
  expect(rule(reachFacts([stopped()]))).toMatchObject({
    fixes: expect.arrayContaining([
      expect.objectContaining({ command: 'nsenter -t 106 -n sysctl -w net.ipv4.ip_forward=1' }),
    ]),
  });
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
