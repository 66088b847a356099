import { expect, test } from 'vitest';
import {
  common,
  container,
  host,
  isolationFacts,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { IsolationFacts } from '../../../observe/observation.ts';
import type { AskedCapability } from '../../../trace/instruments/capabilities/result.ts';
import type { DeniedCall } from '../../../trace/instruments/seccomp/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type RuleFacts = Parameters<typeof rule>[0];

const asked = (change: Partial<AskedCapability> = {}): AskedCapability => ({
  capability: 0,
  call: 'fchownat',
  program: 'chown',
  pid: 4720,
  uid: 0,
  granted: 0,
  denied: 3,
  refused: 3,
  memoryAccounting: false,
  ...change,
});
const base = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 5 } as const;
const traced = (rows: readonly AskedCapability[], denied?: readonly DeniedCall[]): RuleFacts['traced'] =>
  present({
    capabilities: present({ ...base, asked: rows, used: [], missing: [] }),
    ...(denied === undefined
      ? {}
      : { seccomp: present({ ...base, denied, errors: 0, signals: 0, killed: 0 }) }),
  });

const holding = (effective: readonly number[], seccomp = 0) =>
  process(4711, {
    status: {
      uid: { real: 0, effective: 0, saved: 0, filesystem: 0 },
      seccomp: present(seccomp),
      capabilities: { inheritable: [], permitted: effective, effective, bounding: effective, ambient: [] },
    },
  });
const judge = (
  trace: RuleFacts['traced'],
  change: Partial<RuleFacts> = {},
  isolation: Partial<IsolationFacts> = {},
) =>
  rule({
    ...common(),
    init: holding([]),
    isolation: isolationFacts(isolation),
    processes: notThere,
    traced: trace,
    ...change,
  });

test('the lab: chown without CAP_CHOWN is found, with it nothing failed', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /"chown" \(uid 0\) was refused CAP_CHOWN in fchownat\(\): \d+ calls failed/,
    ),
    excluded: [{ claim: 'Not a seccomp filter: it has none' }],
    fixes: [{ action: 'Add CHOWN, and no more' }, {}],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('without a trace: the trace that is missing; who has everything misses nothing', () => {
  const none = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
  expect(judge(none)).toEqual({
    kind: 'inconclusive',
    missing: [{ what: none.what, because: 'needs-trace', remedy: 'glassbox diagnose --deep web-1' }],
  });
  const all = Array.from({ length: 41 }, (_, number) => number);
  const given = { init: holding(all), host: host({ capabilities: all }) };
  expect(judge(none, given)).toMatchObject({ kind: 'ruled-out' });
  expect(judge(none, given, { userNamespaceIsHost: false })).toMatchObject({ kind: 'inconclusive' });
});

test.each<[string, AskedCapability]>([
  ['denied, and the kernel had another way', asked({ refused: 0 })],
  ['granted', asked({ granted: 9, denied: 0, refused: 0 })],
  ['memory accounting', asked({ capability: 21, call: 'mmap', refused: 0, memoryAccounting: true })],
  [
    'permissions of a file, for somebody who is not root',
    asked({ capability: 1, call: 'openat', uid: 1000 }),
  ],
  ['a mode that only the owner changes', asked({ capability: 3, call: 'fchmodat', uid: 1000 })],
])('no finding: %s', (_, row) => {
  expect(judge(traced([row]))).toMatchObject({ kind: 'ruled-out' });
});

test('root is meant to pass file permissions: without CAP_DAC_OVERRIDE it does not', () => {
  const rows = [asked({ capability: 1, call: 'openat', program: 'cat' })];
  expect(judge(traced(rows))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('CAP_DAC_OVERRIDE in openat()'),
  });
  const mapped = { uidMap: [{ inside: 0, outside: 100_000, count: 65_536 }], userNamespaceIsHost: false };
  expect(judge(traced(rows), {}, mapped)).toMatchObject({ kind: 'ruled-out' });
  expect(judge(traced([asked({ capability: 1, call: 'openat', uid: 100_000 })]), {}, mapped)).toMatchObject({
    kind: 'found',
  });
});

test('it has the capability, in a user namespace that does not own what it touches', () => {
  const init = { ...holding([21]) };
  const verdict = judge(
    traced([asked({ capability: 21, call: 'mount', program: 'mount', pid: 4711 })]),
    { init },
    { userNamespaceIsHost: false },
  );
  expect(verdict).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('in its own user namespace alone'),
    fixes: [{ action: expect.stringContaining('where it is owned') }],
  });
});

test.each([
  ['a niceness', { capability: 23, call: 'setpriority' }],
  ['a question', { capability: 1, call: 'faccessat2' }],
  ['a limit', { capability: 24, call: 'prlimit64' }],
])('a notice: %s, which programs do without', (_, row) => {
  expect(judge(traced([asked(row)]))).toMatchObject({ kind: 'found', severity: 'notice' });
  expect(judge(traced([asked(row), asked()]))).toMatchObject({ kind: 'found', severity: 'warning' });
});

test('a filter that refused nothing is excluded; one that refused is not', () => {
  const denied: DeniedCall = {
    call: 'mkdir',
    answer: { kind: 'error', errno: 1 },
    program: 'sh',
    pid: 1,
    inside: 1,
    count: 1,
  };
  const init = holding([], 2);
  expect(judge(traced([asked()], []), { init })).toMatchObject({
    excluded: [{ claim: 'Its seccomp filter refused no call' }],
  });
  expect(judge(traced([asked()], [denied]), { init })).toMatchObject({ excluded: [] });
});

test.each([
  ['docker', null, 0, { command: 'docker run --cap-add CHOWN …' }],
  ['docker', null, 1000, { risk: expect.stringContaining('not root gets it only from the file') }],
  ['bare', null, 0, { action: 'Add CHOWN, and no more' }],
  [
    'containerd',
    { namespace: 'a', name: 'b', container: 'c' },
    0,
    { action: expect.stringContaining('add: [CHOWN]') },
  ],
] as const)('that one capability, in the words of %s', (engine, pod, uid, fix) => {
  const verdict = judge(traced([asked({ uid })]), { container: container({ engine, pod }) });
  expect(verdict.kind === 'found' && verdict.fixes[0]).toMatchObject(fix);
});
