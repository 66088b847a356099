import { expect, test } from 'vitest';
import { container } from '../../../../test/support/facts.ts';
import { effect, reachFacts, reachOf, stage } from '../../../../test/support/reach.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { RefusingPlace, SampledEffect } from '../../../observe/reach/path.ts';
import { rule } from './rule.ts';

const { namespace, place, pid } = stage('router');
const rejects = (change: Partial<SampledEffect> = {}): SampledEffect =>
  effect({ does: 'reject', certain: false, rule: '-A FORWARD -p tcp -j REJECT', ...change });
const router = (...rules: readonly SampledEffect[]): RefusingPlace => ({
  namespace,
  place,
  pid,
  rules,
  unread: [],
});

const failing = { 'Tcp.AttemptFails': [3, 9] } as const;
const messages = { 'Icmp.InDestUnreachs': [1, 7] } as const;
const judge = (
  refusing: readonly RefusingPlace[] | undefined,
  counters: Readonly<Record<string, readonly [number, number]>>,
) =>
  rule({
    ...reachFacts([], counters),
    reach: present({ ...reachOf([]), ...(refusing === undefined ? {} : { refusing }) }),
  });

test('a rule that moved, with messages that arrived: likely, for others may have met it', () => {
  expect(judge([router(rejects())], { ...failing, ...messages })).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'likely',
    summary: expect.stringMatching(/^6 connections of it failed at once .* it met 28 in the same time/),
  });
});

test('a rule of its own namespace that moved: proved if it is for TCP, for another may have met datagrams', () => {
  const judged = (text: string) =>
    rule({
      ...reachFacts([], { ...failing, ...messages }),
      container: container({ namespaces: { net: namespace } }),
      reach: present({ ...reachOf([]), refusing: [router(rejects({ rule: text, hook: 'output' }))] }),
    });
  expect(judged('-A OUTPUT -p tcp -j REJECT')).toMatchObject({ kind: 'found', certainty: 'proved' });
  expect(judged('-A OUTPUT -d 10.0.0.0/8 -j REJECT')).toMatchObject({ kind: 'found', certainty: 'likely' });
});

test.each([
  ['nothing failed', [router(rejects())], messages],
  ['a closed port answered, and the rule met nobody', [router(rejects({ packets: 50 }))], failing],
  ['no rule rejects', [router()], failing],
  ['an older observation did not look', undefined, { ...failing, ...messages }],
] as const)('%s: ruled out', (_, refusing, counters) => {
  expect(judge(refusing, counters).kind).toBe('ruled-out');
});

test.each([
  ['a rule that moved, and no message', [router(rejects())], failing, /--deep tells/],
  [
    'a rule without a counter',
    [router(rejects({ packets: null }))],
    { ...failing, ...messages },
    /--deep tells/,
  ],
  ['a message from beyond', [router()], { ...failing, ...messages }, /glassbox trace tcp/],
  [
    'rules that could not be read',
    [{ ...router(), unread: [absent('nft', 'disabled', 'there is no nft here')] }],
    failing,
    /there is no nft/,
  ],
] as const)('%s: open, with what would tell', (_, refusing, counters, remedy) => {
  expect(judge(refusing, counters)).toMatchObject({
    kind: 'inconclusive',
    missing: [{ remedy: expect.stringMatching(remedy) }],
  });
});
