import { expect, test } from 'vitest';
import { common, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import type { ExecEvent, ExecResult, ExecutedFile } from '../../../trace/instruments/exec/result.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type RuleFacts = Parameters<typeof rule>[0];
type Event = ExecResult['events'][number];

/** The container of `common` started at 10:00. */
const before = '2026-11-20T08:00:00.000Z';
const after = '2026-11-23T11:00:00.000Z';

const exec = (change: Partial<ExecEvent> = {}): Event => ({
  kind: 'exec',
  at: 100,
  pid: 4800,
  inside: 12,
  parent: { pid: 4711, inside: 1, name: 'app' },
  uid: 0,
  tty: null,
  file: '/bin/true',
  arguments: ['true'],
  argumentsCut: false,
  program: { changedAt: before, fileSystem: 0x794c7630, links: 1 },
  ...change,
});
const changed = (changedAt: string, links = 1): Pick<ExecEvent, 'program'> => ({
  program: { changedAt, fileSystem: 0x794c7630, links },
});
const placed = (place: ExecutedFile['place'], changedAt: string): Pick<ExecEvent, 'program'> => ({
  program: { changedAt, fileSystem: 0x794c7630, links: 1, ...(place === undefined ? {} : { place }) },
});
const fromOutside = { parent: { pid: 99, inside: null, name: 'containerd-shim' } };

const traced = (events: readonly Event[], change: Partial<ExecResult> = {}): RuleFacts['traced'] =>
  present({
    exec: present({
      engine: 'ebpf',
      lost: 0,
      ended: 'time',
      seconds: 5,
      execs: events.filter(({ kind }) => kind === 'exec').length,
      exits: 0,
      programs: [],
      events,
      ...change,
    }),
  });
const judge = (trace: RuleFacts['traced']) => rule({ ...common(), init: process(), traced: trace });

test('the lab: a program from memory is found, the one of the image is not', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /whose file has no name.*"\/proc\/self\/fd\/3", uid 64321, started by "sh"/,
    ),
    evidence: [{ observed: expect.stringMatching(/0 links, exit 0, ×\d+$/) }],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('without a trace there is no record of what ran', () => {
  const none = absent('what happens in the kernel', 'needs-trace', 'glassbox diagnose --deep web-1');
  expect(judge(none)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
});

test.each<[string, Partial<ExecEvent>, 'warning' | 'notice', string]>([
  ['a memfd', { file: '/proc/self/fd/3', ...changed(after, 0) }, 'warning', 'in memory alone or deleted'],
  ['a deleted file', { file: '/tmp/x', ...changed(before, 0) }, 'warning', 'in memory alone or deleted'],
  ['a new file in /tmp', { file: '/tmp/miner', ...changed(after) }, 'warning', 'written after the container'],
  ['a new file elsewhere', { file: '/app/build/tool', ...changed(after) }, 'notice', 'written after'],
  [
    'in the upper layer, however old',
    { file: '/app/tool', ...placed('upper', before) },
    'notice',
    'it lies in the writable layer: "/app/tool"',
  ],
  [
    'in the upper layer, where all may write',
    { file: '/tmp/tool', ...placed('upper', before) },
    'warning',
    'the writable layer',
  ],
  ['on a volume, new', { file: '/data/tool', ...placed('elsewhere', after) }, 'notice', 'written after'],
  ['a package manager', { file: '/usr/bin/apt-get' }, 'notice', 'a package manager ran'],
  [
    'an applet of busybox',
    { file: '/bin/busybox', arguments: ['dpkg', '-i', 'x.deb'] },
    'notice',
    'a package manager ran',
  ],
  [
    'a shell at a terminal, from outside',
    { ...fromOutside, file: '/bin/sh', tty: 'pts0' },
    'notice',
    'from outside',
  ],
])('found: %s', (_, event, severity, said) => {
  expect(judge(traced([exec(event)]))).toMatchObject({
    kind: 'found',
    severity,
    certainty: 'proved',
    summary: expect.stringContaining(said),
  });
});

test.each<[string, Partial<ExecEvent>]>([
  ['a program of the image', {}],
  ['in a lower layer, whatever its time says', placed('lower', after)],
  ['on a volume, and older', placed('elsewhere', before)],
  ['a program of the image in /tmp', { file: '/tmp/tool' }],
  ['a health check: a shell from outside, without a terminal', { ...fromOutside, file: '/bin/sh' }],
  ['a shell that the program starts', { file: '/bin/sh' }],
  ['a script whose interpreter came with the image', { file: '/app/run.sh' }],
  ['what the engine writes as it starts', changed('2026-11-23T10:00:00.400Z')],
])('ruled out: %s', (_, event) => {
  expect(judge(traced([exec(event)]))).toMatchObject({ kind: 'ruled-out' });
});

test('the worst comes first, equal ones are one, and how it ended is told', () => {
  const nameless = exec({ file: '/proc/self/fd/3', ...changed(after, 0) });
  const verdict = judge(
    traced([
      exec({ file: '/usr/bin/apk' }),
      nameless,
      { kind: 'exit', at: 120, pid: 4800, inside: 12, name: 'x', ended: { kind: 'signal', signal: 9 } },
      nameless,
    ]),
  );
  expect(verdict).toMatchObject({
    severity: 'warning',
    evidence: [
      { observed: expect.stringContaining('ended by SIGKILL, ×2') },
      { claim: 'A package manager ran' },
    ],
  });
});

test('health checks are counted; what was not seen is said', () => {
  expect(judge(traced([exec(fromOutside), exec(fromOutside)]))).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: '2, 2 from outside (health checks, exec)' }],
  });
  const { program: _, ...unseen } = exec() as ExecEvent & { readonly kind: 'exec' };
  expect(judge(traced([unseen], { execs: 5000, lost: 3 }))).toMatchObject({
    kind: 'ruled-out',
    evidence: [{}, { observed: '1 of 1' }, { observed: '5002 more' }],
  });
});

test('one that nobody saw the parent of', () => {
  expect(judge(traced([exec({ parent: null, uid: null, ...changed(after, 0) })]))).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('uid ?, started by nobody who was seen'),
  });
});
