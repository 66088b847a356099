import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import {
  delivered,
  device,
  effect,
  leg,
  moved,
  reachFacts,
  stage,
  walk,
} from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import type { LegEnd, Stage } from '../../../observe/reach/path.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem, with the router that cannot forward; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/sends up to 1500 bytes, and up0 in router .* takes only 1400/),
    evidence: expect.arrayContaining([expect.objectContaining({ claim: 'Packets too large to forward' })]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const narrowRouter = (counters = {}) =>
  stage('router', { leavesBy: device({ name: 'up0', mtu: 1400 }), ...counters });
const stalled = (...stages: readonly ReturnType<typeof stage>[]) =>
  walk({ reason: 'stalled', out: leg(delivered, ...stages) });

test('proved by FragFails, likely without', () => {
  const fails = moved('Ip.FragFails', 1, 20);
  expect(rule(reachFacts([stalled(stage('client'), narrowRouter(fails))]))).toMatchObject({
    certainty: 'proved',
  });
  expect(rule(reachFacts([stalled(stage('client'), narrowRouter())]))).toMatchObject({ certainty: 'likely' });
});

test('a bridge port that takes less drops without a word', () => {
  const crossed = [{ place: 'the host', device: 'br0', kind: 'bridge', mtu: 1400 }] as const;
  expect(rule(reachFacts([stalled(stage('client', { crossed }), stage('server'))]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('nobody is told'),
  });
});

test('a narrow link is no fault by itself: when nothing stalls, or when the sender has learnt of it', () => {
  const open = walk({ out: leg(delivered, stage('client'), narrowRouter()) });
  expect(rule(reachFacts([open])).kind).toBe('ruled-out');
  const learnt = stage('client', {
    route: {
      command: 'ip route get 10.78.0.2',
      answer: { kind: 'unicast', device: 'eth0', gateway: null, source: null, mtu: 1400 },
    },
  });
  expect(rule(reachFacts([stalled(learnt, narrowRouter())])).kind).toBe('ruled-out');
});

test('stalled, and the way leaves this machine: open', () => {
  const left = walk({
    reason: 'stalled',
    out: leg({ kind: 'left', device: 'ens3' }, stage('client')),
    back: null,
  });
  expect(rule(reachFacts([left])).kind).toBe('inconclusive');
});

test('a probe whose large echo is lost: proved at a narrow link, likely beyond this machine, nothing where none is answered', () => {
  const probed = (end: LegEnd, router: Stage, ...answers: readonly string[]) =>
    walk({
      ...{ reason: 'asked', waiting: 0, out: leg(end, stage('client'), router), back: null },
      probe: {
        ...{ tcp: 'connected', milliseconds: 2, sent: ['a connection', '2 echoes'], questions: [] },
        echoes: answers.map((answer, index) => ({ bytes: [84, 1500][index] ?? 0, answer, mtu: null })),
      },
    });
  const lost = ['answered', 'no answer'];
  expect(rule(reachFacts([probed(delivered, narrowRouter(), ...lost)]))).toMatchObject({
    certainty: 'proved',
    evidence: expect.arrayContaining([
      expect.objectContaining({
        source: '2 echoes',
        observed: expect.stringContaining('1500 bytes: no answer'),
      }),
    ]),
  });
  const left: LegEnd = { kind: 'left', device: 'ens3' };
  expect(rule(reachFacts([probed(left, stage('router'), ...lost)]))).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('somewhere beyond ens3'),
  });
  for (const answers of [['no answer', 'no answer'], ['answered', 'answered'], ['answered', 'EMSGSIZE'], []])
    expect(rule(reachFacts([probed(left, narrowRouter(), ...answers)])).kind).toBe('ruled-out');
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg({ kind: 'dropped', effect: effect() }, stage('client'), stage('router')),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
