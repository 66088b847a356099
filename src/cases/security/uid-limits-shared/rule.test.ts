import { expect, test } from 'vitest';
import { chain, common, container, level, notThere, pidsSample } from '../../../../test/support/facts.ts';
import { judgeFixture, readFixture } from '../../../../test/support/fixture.ts';
import { answerQuestions } from '../../../diagnose/answers.ts';
import { judgeOne, type Rule } from '../../../diagnose/engine.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid, limitOf, noLimit } from '../../../linux/units.ts';
import { notCounted, type UidUsage } from '../../../observe/uid-usage.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

type RuleFacts = Parameters<typeof rule>[0];
const judge = (uidUsage: readonly UidUsage[], change: Partial<RuleFacts> = {}) =>
  rule({ ...common(), uidUsage, pids: notThere, ...change });

const tasks = (
  own: number,
  limit: number | null,
  ...others: (readonly [string | null, number])[]
): UidUsage => ({
  uid: 7777,
  tasks: {
    limit: limit === null ? noLimit : limitOf(limit),
    own,
    others: others.map(([name, count]) => ({ container: name, count })),
    process: hostPid(4711),
  },
});
const inotify = (own: number, limit: number, ...others: (readonly [string | null, number])[]): UidUsage => ({
  uid: 0,
  inotify: {
    limit: limitOf(limit),
    own,
    others: others.map(([name, count]) => ({ container: name, count })),
  },
});

test('the lab: a neighbour of the same uid holds most of the limit, one of another uid nothing', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /may have 80 tasks .* has 80 in all .*: a fork fails with EAGAIN.*hoarder 50/,
    ),
    excluded: [{}, { claim: expect.stringMatching(/^Not its pids cgroup/) }],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('tasks of the uid at the limit, most of them of others', () => {
  expect(judge([tasks(4, 20, ['db', 12], [null, 3], ['web', 1], ['x', 1])])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary:
      'uid 7777 may have 20 tasks (RLIMIT_NPROC), and has 21 in all containers together: a fork fails with EAGAIN. 4 of them are its own; the others: db 12, processes of the host 3, web 1, 1 more.',
    evidence: [
      { source: '/proc/4711/limits Max processes', observed: '20' },
      { observed: '21: its own 4, db 12, processes of the host 3, web 1, x 1' },
    ],
  });
});

test.each<[string, readonly UidUsage[], string]>([
  ['one place left', [tasks(4, 20, ['db', 15])], '19 of 20, its own 4'],
  ['no limit', [tasks(4, null, ['db', 4000])], '4004 of unlimited, its own 4'],
  ['at the limit by its own doing', [tasks(20, 20)], '20 of 20, its own 20'],
  ['inotify with room', [inotify(3, 128, ['db', 100])], '103 of 128, its own 3'],
  ['root of the host, nothing counted', [{ uid: 0 }], '0'],
])('ruled out: %s', (_, usage, observed) => {
  expect(judge(usage)).toMatchObject({ kind: 'ruled-out', evidence: [{ observed }] });
});

test('inotify instances: a warning for who uses them, a notice for who might', () => {
  expect(judge([inotify(3, 128, ['db', 125])])).toMatchObject({
    severity: 'warning',
    summary: expect.stringContaining('inotify_init fails with EMFILE'),
    fixes: [{}, {}, { command: 'sysctl fs.inotify.max_user_instances=512' }],
  });
  expect(judge([inotify(0, 128, ['db', 128])])).toMatchObject({ severity: 'notice' });
});

test('watches, which fail as a full disk does', () => {
  const watches = (own: number): UidUsage => ({
    uid: 0,
    watches: { limit: limitOf(8192), own, others: [{ container: 'ide', count: 8192 - own }] },
  });
  expect(judge([watches(12)])).toMatchObject({
    severity: 'warning',
    summary: expect.stringMatching(
      /has 8192 in all .* ENOSPC .* 12 of them are its own; the others: ide 8180\.$/,
    ),
    evidence: [{ source: '/proc/sys/fs/inotify/max_user_watches' }, {}],
    fixes: [{}, {}, { command: 'sysctl fs.inotify.max_user_watches=32768' }],
  });
});

test('what the pids cgroup has room for is excluded; a full one is not', () => {
  const pids = (current: number) => present(chain(level('/box/web-1', pidsSample({ current }))));
  expect(judge([tasks(4, 20, ['db', 16])], { pids: pids(6) })).toMatchObject({
    excluded: [{ claim: 'Not its pids cgroup: room for 122 tasks', observed: '6 of 128' }],
  });
  expect(judge([tasks(4, 20, ['db', 16])], { pids: pids(128) })).toMatchObject({ excluded: [] });
});

test.each([
  ['docker', null, 'docker run --user 10007:10007 …'],
  ['bare', null, expect.stringContaining('setpriv --reuid')],
  ['containerd', { namespace: 'a', name: 'b', container: 'c' }, undefined],
] as const)('a uid of its own, in the words of %s', (engine, pod, command) => {
  const verdict = judge([tasks(4, 20, ['db', 16])], { container: container({ engine, pod }) });
  expect(verdict.kind === 'found' && verdict.fixes[0]?.command).toEqual(command);
});

test('a list of all containers does without the table of processes, and no answer gets unknown by it', () => {
  const observation = readFixture(definition.id, 'healthy');
  const containers = observation.containers.map(facts => ({ ...facts, uidUsage: notCounted }));
  const [facts] = containers;
  if (facts === undefined) throw new Error('the fixture has no container');
  const entry = { definition, rule: rule as Rule['rule'] };
  const verdict = judgeOne({ ...observation, containers }, facts, entry);
  expect(verdict).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
  expect(answerQuestions([definition], [{ case: definition.id, verdict }])).toMatchObject({
    isolated: { answer: 'yes' },
    healthy: { answer: 'yes' },
  });
});
