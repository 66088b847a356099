import { expect, test } from 'vitest';
import { common, container, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { SeccompRecord } from '../../../linux/kmsg/seccomp-record.ts';
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
  rule({
    ...common(),
    init: present(running(2)),
    processes: notThere,
    traced: trace,
    seccompLog: notThere,
    ...change,
  });

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
  expect(judge(none, { init: present(running(0)) })).toMatchObject({ kind: 'ruled-out' });
  expect(judge(none)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
  const child = present([running(0), { ...running(2), pid: running(0).pid }]);
  expect(judge(none, { init: present(running(0)), processes: child })).toMatchObject({
    kind: 'inconclusive',
  });
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
  expect(judge(traced([denied()]), { init: present(running(0)) })).toMatchObject({ kind: 'found' });
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

const untraced = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
const record = (change: Partial<SeccompRecord> = {}): SeccompRecord => ({
  at: '2026-11-23T11:00:00.000Z',
  pid: 4720,
  uid: 1000,
  program: 'app',
  executable: '/bin/app',
  call: 'mkdir',
  action: 'error',
  ...change,
});
const log = (own: readonly SeccompRecord[], ended: readonly SeccompRecord[] = []) => present({ own, ended });

test.each([
  ['error', 'mkdir', 'warning'],
  ['error', 'io_uring_setup', 'notice'],
  ['trap', 'mkdir', 'critical'],
  ['kill-thread', 'io_uring_setup', 'critical'],
] as const)('the kernel log is proof without a trace: %s of %s', (action, call, severity) => {
  expect(
    judge(untraced, { seccompLog: log([record({ action, call }), record({ action, call })]) }),
  ).toMatchObject({
    kind: 'found',
    severity,
    certainty: 'proved',
    summary: expect.stringContaining(`${call}() of "app" with`),
    evidence: [{ source: 'kernel log, type=1326', observed: expect.stringContaining('×2') }, {}],
    fixes: [{ action: expect.stringContaining(`"${call}"`) }, {}, {}],
  });
});

test('a call that was logged and let go on is no refusal', () => {
  expect(judge(untraced, { seccompLog: log([record({ action: 'log' })]) })).toMatchObject({
    kind: 'inconclusive',
  });
});

test('records of processes that have ended accuse nobody, and are named', () => {
  expect(judge(untraced, { seccompLog: log([], [record()]) })).toMatchObject({
    kind: 'inconclusive',
    missing: [{ what: expect.stringContaining('last mkdir of "app", uid 1000') }],
  });
});

test('an exited container that SIGSYS ended, with what the log has of that moment', () => {
  const gone = (code: number) =>
    container({
      state: 'exited',
      init: null,
      exit: { code, outOfMemory: false, finishedAt: '2026-11-23T11:00:00.400Z' },
    });
  const init = absent('its init process', 'vanished', 'it has exited');
  const killed = record({ action: 'kill-process' });
  const late = record({ action: 'kill-process', call: 'mount', at: '2026-11-23T11:09:00.000Z' });
  const judgeGone = (code: number, ended: readonly SeccompRecord[]) =>
    judge(untraced, { container: gone(code), init, seccompLog: log([], ended) });
  expect(judgeGone(159, [killed, late])).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'likely',
    summary: expect.stringMatching(/mkdir\(\) of "app" with the end of the process\.$/),
    evidence: [{ observed: '159' }, { observed: expect.stringContaining('mkdir') }],
  });
  expect(judgeGone(159, [late])).toMatchObject({
    certainty: 'likely',
    summary: expect.stringContaining('does not say for which call'),
    fixes: [{ action: expect.stringContaining('SCMP_ACT_LOG') }, {}, {}],
  });
  expect(judgeGone(1, [killed])).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'vanished' }] });
});
