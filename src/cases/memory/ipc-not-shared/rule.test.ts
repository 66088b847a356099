import { describe, expect, test } from 'vitest';
import { common, container, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present, type Reading } from '../../../linux/reading.ts';
import { bytes, hostPid, namespaceId } from '../../../linux/units.ts';
import type { IpcParty, IpcTwin } from '../../../observe/ipc-twins.ts';
import type { Traced } from '../../../trace/results.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const made = (pid: number, executable: string, ...commandLine: readonly string[]) => ({
  creator: { pid: hostPid(pid), executable, commandLine: [executable, ...commandLine] },
});
const party = (namespace: number, change: Partial<IpcParty> = {}): IpcParty => ({
  namespace: namespaceId(namespace),
  id: 0,
  uid: 1000,
  attached: 1,
  creator: null,
  ...change,
});
const twin = (own: Partial<IpcParty> = {}, other: Partial<IpcParty> = {}): IpcTwin => ({
  key: 0x474c4153,
  size: bytes(65_536),
  own: party(4026532001, { ...made(4711, '/usr/bin/reader'), ...own }),
  other: party(4026532002, { ...made(4800, '/usr/bin/writer'), ...other }),
  elsewhere: 'feed',
});
const judge = (...ipcTwins: readonly IpcTwin[]) => rule({ ...common(), ipcTwins, traced: notThere });

describe('captured on 6.18', () => {
  test('producer and consumer, each in its own container', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'notice',
      certainty: 'likely',
      summary: expect.stringMatching(/^consumer \(pid \d+\) here and producer \(pid \d+\) in producer/),
    });
  });
  test('both in one', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('equal keys alone are no finding', () => {
  const postgres = (pid: number, data: string) =>
    made(pid, '/usr/lib/postgresql/15/bin/postgres', '-D', data);
  const replicas: Partial<IpcParty> = postgres(1, '/data/a');
  test.each([
    ['nothing in common', []],
    ['ten databases of one kind', [twin(replicas, postgres(2, '/data/b'))]],
    [
      'the same at another version',
      [twin(replicas, made(2, '/usr/lib/postgresql/16/bin/postgres', '-D', '/b'))],
    ],
    [
      'one script under an interpreter, twice',
      [
        twin(
          made(1, '/usr/bin/perl5.36', '-w', '/srv/a/job.pl'),
          made(2, '/usr/bin/perl', '/srv/b/job.pl', '--x'),
        ),
      ],
    ],
    [
      'programs given on the command line',
      [twin(made(1, '/usr/bin/perl', '-e', 'x'), made(2, '/usr/bin/perl', '-e', 'y'))],
    ],
    ['one that others use here', [twin({ attached: 4 })]],
    ['one that others use there', [twin({}, { attached: 2 })]],
    ['left behind by a program', [twin({ attached: 0 })]],
    ['of different users', [twin({ uid: 1001 })]],
    ['whose maker has ended', [twin({}, { creator: null })]],
  ])('%s', (_, twins) => {
    expect(judge(...twins).kind).toBe('ruled-out');
  });
  test('different scripts of one interpreter are different programs', () => {
    const scripts = twin(
      made(1, '/usr/bin/python3.11', '/srv/reader.py'),
      made(2, '/usr/bin/python3.11', '/srv/writer.py'),
    );
    expect(judge(scripts).kind).toBe('found');
  });
});

test('an innocent pair hides no other', () => {
  expect(judge(twin({ attached: 3 }), twin()).kind).toBe('found');
});

describe('what to do', () => {
  const action = (change: Parameters<typeof container>[0], elsewhere = 'feed') => {
    const verdict = rule({
      ...common({ container: container(change) }),
      ipcTwins: [{ ...twin(), elsewhere }],
      traced: notThere,
    });
    return verdict.kind === 'found' ? verdict.fixes[0]?.action : undefined;
  };
  test.each([
    [{ engine: 'docker' as const }, 'feed', '--ipc container:feed'],
    [
      { engine: 'docker' as const, name: 'web' },
      'the host',
      'Make web with --ipc shareable and the other with --ipc host',
    ],
    [{ pod: { namespace: 'a', name: 'b', container: 'c' } }, 'feed', 'one pod'],
    [{}, 'feed', 'nsenter -i'],
  ])('%j', (change, elsewhere, text) => {
    expect(action(change, elsewhere)).toContain(text);
  });
});

test('a hostile name stays one word of the command and within the evidence', () => {
  const verdict = judge({ ...twin(made(1, '/x/a\u001b[31m')), elsewhere: 'feed; reboot' });
  expect(verdict.kind).toBe('found');
  if (verdict.kind !== 'found') return;
  for (const { claim } of verdict.evidence) expect(claim.length).toBeLessThanOrEqual(60);
});

describe('with diagnose --deep', () => {
  const calls = (call: string, error: string | null, count: number): Reading<Traced> =>
    present({
      syscalls: present({
        calls: [{ call, error, count, program: 'reader', pid: 4711, inside: 1, us: 9, longestUs: 3 }],
      }),
    } as unknown as Traced);
  const seen = (traced: Reading<Traced>) => rule({ ...common(), ipcTwins: [], traced });
  test('who asks again and again and finds nothing', () => {
    expect(seen(calls('shmget', 'ENOENT', 5))).toMatchObject({
      kind: 'found',
      severity: 'notice',
      certainty: 'proved',
      summary: expect.stringContaining('5 times'),
    });
  });
  test.each([
    ['once, to find out that it is the first', calls('shmget', 'ENOENT', 1)],
    ['with success', calls('shmget', null, 50)],
    ['something else', calls('openat', 'ENOENT', 50)],
    ['refused', calls('shmget', 'EACCES', 50)],
  ])('silent: %s', (_, traced) => {
    expect(seen(traced).kind).toBe('ruled-out');
  });
});
