import { expect, test } from 'vitest';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { effect, leg, reachFacts, stage, walk } from '../../../../test/support/reach.ts';
import { staysSilentWithoutItsFault } from '../../../../test/support/reach-rule.ts';
import type { Verdict } from '../../../diagnose/verdict.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid } from '../../../linux/units.ts';
import type { DropElsewhere } from '../../../trace/instruments/drops/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

test('found in the problem with the rule and its counter; ruled out in the healthy twin', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: 'Packets that this rule dropped' }),
      expect.objectContaining({
        claim: 'The rule',
        observed: expect.stringContaining('--dport 8080 -j DROP'),
      }),
    ]),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

const dropped = (change: Parameters<typeof effect>[0] = {}) =>
  walk({
    out: leg({ kind: 'dropped', effect: effect(change) }, stage('client'), stage('router')),
    back: null,
  });

test('a rule without a counter that moved is likely only', () => {
  expect(rule(reachFacts([dropped()]))).toMatchObject({ certainty: 'proved' });
  expect(rule(reachFacts([dropped({ packets: 50 })]))).toMatchObject({ certainty: 'likely' });
  expect(rule(reachFacts([dropped({ packets: null, packetsBefore: null })]))).toMatchObject({
    certainty: 'likely',
    evidence: expect.arrayContaining([
      expect.objectContaining({ observed: expect.stringContaining('without a counter') }),
    ]),
  });
});

test("the connection that docker-proxy makes itself breaks: its way is the proxy's, and said so", () => {
  const by = { program: 'docker-proxy', pid: hostPid(71) };
  const beyond = { ...dropped(), by, waiting: 2 };
  const verdict = rule(reachFacts([walk({ reason: 'asked', waiting: 0, beyond })]));
  expect(verdict).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^docker-proxy \(pid 71\) takes the connections.*2 connections of the proxy/,
    ),
  });
  expect(rule(reachFacts([walk({ waiting: 0, beyond: { ...walk(), by } })])).kind).toBe('ruled-out');
});

test('where nothing counts, the trace proves it: in that namespace, with that other end, by the firewall', () => {
  const uncounted = dropped({ packets: null, packetsBefore: null });
  const router = stage('router');
  const row: DropElsewhere = {
    ...{ reason: 'NETFILTER_DROP', function: 'nft_do_chain', protocol: 'tcp', family: 'ipv4', port: 8080 },
    ...{ device: null, count: 4, bytes: 240, namespace: router.namespace, place: 'router (pid 9)' },
    ...{ direction: 'from', peer: '10.78.0.2' },
  };
  const withTrace = (change: Partial<DropElsewhere>): Verdict =>
    rule({
      ...reachFacts([uncounted]),
      traced: present({
        drops: present({
          ...{ engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1, total: 0, drops: [] },
          ...{ elsewhere: present([{ ...row, ...change }]), sharedNetwork: false },
        }),
      }),
    });
  expect(withTrace({})).toMatchObject({
    certainty: 'proved',
    evidence: expect.arrayContaining([
      expect.objectContaining({ observed: '4 packets NETFILTER_DROP in nft_do_chain' }),
    ]),
  });
  for (const other of [
    { namespace: stage('another').namespace },
    { peer: '10.78.0.9' },
    { port: 443 },
    { reason: 'NO_SOCKET' },
    { direction: 'to' },
  ] as const)
    expect(withTrace(other)).toMatchObject({
      certainty: 'likely',
      summary: expect.stringContaining('Nothing counts there'),
    });
});

test('the policy of a chain is told as such, and nft gets a command of its own', () => {
  const policy = { rule: null, source: 'nft list ruleset', table: 'inet f', chain: 'fwd' } as const;
  expect(rule(reachFacts([dropped(policy)]))).toMatchObject({
    summary: expect.stringContaining('the policy of inet f fwd drops'),
    fixes: expect.arrayContaining([
      expect.objectContaining({
        command: expect.stringContaining('nft insert rule inet f fwd ip saddr 10.77.0.2'),
      }),
    ]),
  });
});

const doubtful = (change: Parameters<typeof effect>[0], waiting = 15) =>
  walk({
    waiting,
    out: leg(
      { kind: 'delivered', namespace: stage('server').namespace },
      stage('client'),
      stage('router', { effects: [effect({ certain: false, ...change })] }),
      stage('server'),
    ),
  });

test('a rule that may match counts when its counter moved while connections wait, and else not', () => {
  expect(rule(reachFacts([doubtful({})]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('Not all conditions'),
  });
  expect(rule(reachFacts([doubtful({ packets: 50 })])).kind).toBe('ruled-out');
  expect(rule(reachFacts([doubtful({}, 0)])).kind).toBe('ruled-out');
});

test('packets that leave this machine, or rules that cannot be read, leave it open', () => {
  const left = walk({
    out: leg({ kind: 'left', device: 'ens3' }, stage('client'), stage('the host')),
    back: null,
  });
  expect(rule(reachFacts([left]))).toMatchObject({
    kind: 'inconclusive',
    missing: [{ what: expect.stringContaining('beyond this machine') }],
  });
  const blind = walk({
    out: leg(
      { kind: 'delivered', namespace: stage('server').namespace },
      stage('client', {
        unread: [{ present: false, what: 'nft', because: 'disabled', remedy: 'apt-get install nftables' }],
      }),
    ),
  });
  expect(rule(reachFacts([blind]))).toMatchObject({ kind: 'inconclusive', missing: [{ what: 'nft' }] });
});

test('another fault on the way is not this one', () => {
  const other = walk({
    out: leg(
      { kind: 'not-forwarded', sysctl: 'net.ipv4.conf.br0.forwarding' },
      stage('client'),
      stage('router'),
    ),
    back: null,
  });
  expect(rule(reachFacts([other])).kind).toBe('ruled-out');
});

staysSilentWithoutItsFault(rule);
