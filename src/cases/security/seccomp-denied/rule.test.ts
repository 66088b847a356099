import { expect, test } from 'vitest';
import { common, container, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { AskedCapability } from '../../../trace/instruments/capabilities/result.ts';
import type { DeniedCall } from '../../../trace/instruments/seccomp/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type RuleFacts = Parameters<typeof rule>[0];

const denied = (call = 'mkdir', change: Partial<DeniedCall> = {}): DeniedCall => ({
  call,
  answer: { kind: 'error', errno: 1 },
  program: 'app',
  pid: 4720,
  inside: 12,
  count: 3,
  ...change,
});
const base = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 5 } as const;
const traced = (calls: readonly DeniedCall[], asked?: readonly AskedCapability[]): RuleFacts['traced'] =>
  present({
    seccomp: present({ ...base, denied: calls, errors: 0, signals: 0, killed: 0 }),
    ...(asked === undefined ? {} : { capabilities: present({ ...base, asked, used: [], missing: [] }) }),
  });
const running = (mode: number) => process(4711, { status: { seccomp: present(mode) } });
const judge = (trace: RuleFacts['traced'], change: Partial<RuleFacts> = {}) =>
  rule({ ...common(), init: running(2), processes: notThere, traced: trace, ...change });

test('the lab: a filter against mkdir is found, one that nobody meets is not', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/answered mkdir\(\) of "mkdir" with EPERM, \d+ times, before the kernel/),
    excluded: [{ claim: 'Not a missing capability: none was denied in these calls' }],
    fixes: [{ action: expect.stringContaining('"mkdir", "mkdirat"') }, {}, {}],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ claim: expect.stringContaining('refused no call') }],
  });
});

test('without a filter there is nothing to trace; with one the trace is missing', () => {
  const none = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
  expect(judge(none, { init: running(0) })).toMatchObject({ kind: 'ruled-out' });
  expect(judge(none)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
  const child = present([running(0), { ...running(2), pid: running(0).pid }]);
  expect(judge(none, { init: running(0), processes: child })).toMatchObject({ kind: 'inconclusive' });
});

test('ENOSYS makes a library take an older call: ruled out, and said', () => {
  const old = denied('clone3', { answer: { kind: 'error', errno: 38 } });
  expect(judge(traced([old]))).toMatchObject({
    kind: 'ruled-out',
    evidence: [{}, { claim: expect.stringContaining('ENOSYS') }],
  });
  expect(judge(traced([old, denied()]))).toMatchObject({
    kind: 'found',
    excluded: [{ observed: 'clone3 ×3, app' }],
  });
});

test.each([
  ['io_uring_setup', 'notice'],
  ['set_mempolicy', 'notice'],
  ['mount', 'warning'],
] as const)('%s with EPERM is a %s', (call, severity) => {
  expect(judge(traced([denied(call)]))).toMatchObject({ kind: 'found', severity });
});

test.each([
  [{ kind: 'signal' }, 'SIGSYS'],
  [{ kind: 'killed' }, 'the end of the process'],
] as const)('%o is critical', (answer, said) => {
  expect(judge(traced([denied('io_uring_setup', { answer })]))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringContaining(said),
    evidence: [{ source: 'tracepoint signal_generate' }, {}],
  });
});

test('a process that ended with its filter is told by the trace alone', () => {
  expect(judge(traced([denied()]), { init: running(0) })).toMatchObject({ kind: 'found' });
});

test('whether a capability was denied in the same call', () => {
  const row: AskedCapability = {
    capability: 21,
    call: 'mount',
    program: 'mount',
    pid: 1,
    uid: 0,
    granted: 0,
    denied: 1,
    refused: 1,
    memoryAccounting: false,
  };
  expect(judge(traced([denied('mount')], [row]))).toMatchObject({
    excluded: [
      { claim: 'A capability was denied in such a call as well', observed: 'SYS_ADMIN in mount, mount' },
    ],
  });
  expect(judge(traced([denied('mount')], []))).toMatchObject({
    excluded: [{ claim: expect.stringContaining('Not a missing capability') }],
  });
  expect(judge(traced([denied('mount')]))).toMatchObject({ excluded: [] });
});

test.each([
  ['docker', null, 'docker run --security-opt seccomp=profile.json …'],
  ['bare', null, undefined],
  ['containerd', { namespace: 'a', name: 'b', container: 'c' }, undefined],
] as const)('a profile, in the words of %s', (engine, pod, command) => {
  const verdict = judge(traced([denied()]), { container: container({ engine, pod }) });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.command).toBe(command);
});
