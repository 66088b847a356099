import { expect, test } from 'vitest';
import { common, container, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Verdict } from '../../../diagnose/verdict.ts';
import type { ProcessStatus } from '../../../linux/proc/status.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { hostPid, microseconds, nsPid } from '../../../linux/units.ts';
import type { ProcessFacts, SignalFetching } from '../../../observe/observation.ts';
import type { SignalEvent } from '../../../trace/instruments/signals/result.ts';
import type { Traced } from '../../../trace/results.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type Masks = Partial<ProcessStatus['signals']>;
const noMasks = { pending: [], sharedPending: [], blocked: [], ignored: [], caught: [] };

interface Variation {
  readonly masks?: Masks;
  readonly program?: readonly string[];
  readonly waits?: Partial<SignalFetching>;
  readonly child?: readonly string[];
  readonly status?: Partial<ProcessStatus>;
  /** What the instrument saw become of SIGTERM to PID 1, in order. */
  readonly seen?: readonly SignalEvent['outcome'][];
  /** Time on a CPU at a time, over 10 times. */
  readonly sliceUs?: number;
}

const ran = (slices: number, sliceUs: number): ProcessFacts['scheduler'] =>
  present({
    first: { running: microseconds(0), waiting: microseconds(0), timeslices: 0 },
    last: { running: microseconds(slices * sliceUs), waiting: microseconds(0), timeslices: slices },
  });

function tracedSignals(outcomes: readonly SignalEvent['outcome'][]): Reading<Traced> {
  const party = { pid: 4711, inside: 1, name: 'app' };
  const events = outcomes.map(outcome => ({
    at: 1,
    signal: 15,
    outcome,
    by: 'process' as const,
    code: 0,
    toProcess: true,
    target: party,
    sender: party,
  }));
  const base = { engine: 'ebpf', lost: 0, ended: 'stopped', seconds: 1 } as const;
  return present({ signals: present({ ...base, total: events.length, byOutcome: {}, table: [], events }) });
}

function judge({
  masks = {},
  program = ['/usr/bin/app'],
  waits = {},
  child,
  status = {},
  seen,
  sliceUs,
}: Variation) {
  const as = (commandLine: readonly string[]): Partial<ProcessFacts> => ({
    commandLine,
    executable: present(commandLine[0] ?? ''),
  });
  const init = process(4711, {
    ...as(program),
    ...(sliceUs === undefined ? {} : { scheduler: ran(10, sliceUs) }),
    status: { signals: { ...noMasks, ...masks }, ...status },
  });
  const children =
    child === undefined ? [] : [process(4712, { ...as(child), status: { parent: hostPid(4711) } })];
  return rule({
    ...common(),
    init,
    processes: present([init, ...children]),
    initSignals: present({
      descriptorSignals: [],
      waitChannels: ['do_epoll_wait'],
      oneShotSignals: notThere,
      ...waits,
    }),
    freezer: notThere,
    traced: seen === undefined ? notThere : tracedSignals(seen),
  });
}

test.each<[string, Variation, 'proved' | 'likely']>([
  ['no handler at all (sleep)', {}, 'proved'],
  ['handlers for other signals only (bash -c: SigCgt 10002)', { masks: { caught: [2, 17] } }, 'proved'],
  ['SIG_IGN (SigIgn 4000)', { masks: { ignored: [15] } }, 'proved'],
  ['blocked, and one is pending', { masks: { blocked: [15], sharedPending: [15] } }, 'proved'],
  [
    'no handler, and computing',
    { waits: { waitChannels: [] }, status: { state: 'R' }, sliceUs: 3000 },
    'proved',
  ],
  ['blocked, and nobody fetches it', { masks: { blocked: [15] } }, 'likely'],
  [
    'a signalfd for another signal',
    { masks: { blocked: [15, 17] }, waits: { descriptorSignals: [17] } },
    'likely',
  ],
  [
    'Node without a listener: its own one-shot handler raises the signal again',
    {
      masks: { caught: [2, 10, 11, 15] },
      program: ['/usr/bin/node', 'a.js'],
      waits: { oneShotSignals: present([2, 15]) },
    },
    'likely',
  ],
])('found: %s', (_, variation, certainty) => {
  expect(judge(variation)).toMatchObject({ kind: 'found', severity: 'warning', certainty });
});

const nodeAlone = { masks: { caught: [2, 10, 11, 15] }, program: ['/usr/bin/node', 'a.js'] };

test.each<[string, Variation, Partial<Verdict>]>([
  [
    'Node, dropped after its own handler ran: likely becomes proved',
    { ...nodeAlone, waits: { oneShotSignals: present([15]) }, seen: ['queued', 'ignored'] },
    { kind: 'found', certainty: 'proved' },
  ],
  [
    'Node where BPF could not read its handler, dropped',
    { ...nodeAlone, seen: ['queued', 'ignored'] },
    { kind: 'found', certainty: 'proved' },
  ],
  [
    'Node whose handler got it: what the handler then does is not seen',
    { ...nodeAlone, waits: { oneShotSignals: present([15]) }, seen: ['queued'] },
    { kind: 'found', certainty: 'likely' },
  ],
  [
    'where it waits is not known, dropped',
    { waits: { waitChannels: [] }, seen: ['ignored'] },
    { kind: 'found', certainty: 'proved' },
  ],
  [
    'where it waits is not known, taken: it was in sigwait()',
    { waits: { waitChannels: [] }, seen: ['queued'] },
    { kind: 'ruled-out' },
  ],
  [
    'blocked, and a second one found the first',
    { masks: { blocked: [15] }, seen: ['queued', 'already-pending'] },
    { kind: 'found', certainty: 'proved' },
  ],
  [
    'no signal was sent meanwhile',
    { masks: { blocked: [15] }, seen: [] },
    { kind: 'found', certainty: 'likely' },
  ],
])('what was seen in the kernel: %s', (_, variation, expected) => {
  expect(judge(variation)).toMatchObject(expected);
});

test.each<[string, Variation]>([
  ['a handler (nginx, postgres)', { masks: { caught: [1, 2, 15, 17] } }],
  [
    'tini: in sigtimedwait, where SigBlk hides what it waits for',
    { waits: { waitChannels: ['do_sigtimedwait'] } },
  ],
  [
    'a second thread in sigwait, TERM blocked in the first',
    { masks: { blocked: [15] }, waits: { waitChannels: ['do_sigtimedwait', 'futex_do_wait'] } },
  ],
  ['systemd: blocked, read by signalfd', { masks: { blocked: [15] }, waits: { descriptorSignals: [1, 15] } }],
  ['a handler, blocked for a moment', { masks: { caught: [15], blocked: [15] } }],
  [
    'Node with a listener: not its one-shot handler',
    {
      masks: { caught: [2, 10, 11, 15] },
      program: ['/usr/bin/node', 'a.js'],
      waits: { oneShotSignals: present([2]) },
    },
  ],
  ['a shell with a trap and no child', { masks: { caught: [15] }, program: ['/bin/sh', '-c', 'x'] }],
  [
    'dash with a trap, in wait',
    {
      masks: { caught: [15] },
      program: ['/usr/bin/dash'],
      child: ['/bin/server'],
      waits: { waitChannels: ['sigsuspend'] },
    },
  ],
  ['not PID 1: shared pid namespace', { status: { namespacePids: [nsPid(4711)] } }],
  ['not PID 1: a member of another namespace', { status: { namespacePids: [nsPid(4711), nsPid(7)] } }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, Variation, string]>([
  [
    'Node, whose own handler looks like a listener, where BPF cannot tell',
    { masks: { caught: [2, 10, 15] }, program: ['/usr/bin/node', 'a.js'] },
    'needs-trace',
  ],
  [
    'a shell with a trap and a command in the foreground',
    {
      masks: { caught: [15] },
      program: ['/bin/bash', 'x.sh'],
      child: ['/bin/server'],
      waits: { waitChannels: ['do_wait'] },
    },
    'needs-trace',
  ],
  ['no handler, but where it sleeps is not known', { waits: { waitChannels: [] } }, 'vanished'],
  [
    'tini, woken to reap',
    { masks: { blocked: [15, 17] }, waits: { waitChannels: [] }, status: { state: 'R' }, sliceUs: 60 },
    'vanished',
  ],
  ['PID 1 is ending', { status: { state: 'Z' } }, 'vanished'],
  ['a kernel without NSpid', { status: { namespacePids: [] } }, 'kernel-too-old'],
])('inconclusive: %s', (_, variation, because) => {
  expect(judge(variation)).toMatchObject({ kind: 'inconclusive', missing: [{ because }] });
});

test('a blocked signal is not called lost when nobody could look who fetches it', () => {
  const init = process(4711, { status: { signals: { ...noMasks, blocked: [15] } } });
  const refused = absent('/proc/4711/task', 'not-permitted', 'run as root');
  const verdict = rule({
    ...common(),
    init,
    processes: present([init]),
    initSignals: refused,
    freezer: notThere,
    traced: notThere,
  });
  expect(verdict).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'not-permitted' }] });
});

test('evidence shows the masks as the kernel prints them', () => {
  const verdict = judge({ masks: { caught: [2, 17], ignored: [3] } });
  expect(
    verdict.kind === 'found' && verdict.evidence.map(({ source, observed }) => [source, observed]),
  ).toEqual([
    ['/proc/4711/status NSpid', '4711 1'],
    ['/proc/4711/status SigCgt', '0000000000010002'],
    ['/proc/4711/status SigIgn', '0000000000000004'],
    ['/proc/4711/status SigBlk', '0000000000000000'],
  ]);
});

test.each([[['sh', '-c', 'server; true']], [['/bin/busybox', 'sh', '-c', 'server; true']]])(
  '%j is a shell and is told apart from what it waits for',
  program => {
    const verdict = judge({ program, child: ['/bin/server', '-v'] });
    expect(verdict).toMatchObject({
      summary: expect.stringContaining('does not pass it on to /bin/server -v'),
    });
    expect(verdict.kind === 'found' && verdict.fixes.map(({ action }) => action).join()).toContain(
      'exec program',
    );
  },
);

test.each<[string, number, Masks, Verdict['kind']]>([
  ['Python with STOPSIGNAL SIGINT, which it turns into KeyboardInterrupt', 2, { caught: [2] }, 'ruled-out'],
  ['nginx with STOPSIGNAL SIGQUIT', 3, { caught: [1, 3, 15] }, 'ruled-out'],
  ['a handler for TERM alone, with STOPSIGNAL SIGINT', 2, { caught: [15] }, 'found'],
])('the stop signal of the image counts: %s', (_, stopSignal, masks, kind) => {
  const init = process(4711, { status: { signals: { ...noMasks, ...masks } } });
  const verdict = rule({
    ...common({ container: container({ engine: 'docker', stopSignal }) }),
    init,
    processes: notThere,
    initSignals: notThere,
    freezer: notThere,
    traced: notThere,
  });
  expect(verdict.kind).toBe(kind);
  if (verdict.kind === 'found') expect(verdict.summary).toContain('no handler for SIGINT');
});

test('a pod is not told to run docker', () => {
  const init = process(4711);
  const verdict = rule({
    ...common({ container: container({ pod: { namespace: 'a', name: 'b', container: 'c' } }) }),
    init,
    processes: notThere,
    initSignals: notThere,
    freezer: notThere,
    traced: notThere,
  });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.action).not.toContain('docker');
});

test('the lab, captured on Linux 6.18: a shell in shell form, and its twin with a trap', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringContaining('does not pass it on to sleep 3600'),
    evidence: [{}, { observed: '0000000000010002' }, {}, {}],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: '0000000000014002' }],
  });
});
