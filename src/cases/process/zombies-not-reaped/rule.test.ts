import { expect, test } from 'vitest';
import { cgroupOf } from '../../../../test/support/cgroup.ts';
import { chain, common, level, notThere, pidsSample, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { FreezerSample } from '../../../linux/cgroup/model.ts';
import { readPids } from '../../../linux/cgroup/pids.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid, limitOf, noLimit, nsPid } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const init = process(4711, { commandLine: ['sleep', '3600'] });
const worker = process(5000, { status: { namespacePids: [nsPid(5000), nsPid(9)], parent: hostPid(4711) } });

const zombies = (count: number, change: { parent?: number; fresh?: boolean; threads?: number } = {}) =>
  Array.from({ length: count }, (_, index) =>
    process(6000 + index + (change.fresh ? 1000 : 0) + (change.parent ?? 0), {
      commandLine: [],
      zombieInBothSamples: !change.fresh,
      status: {
        name: 'orphan',
        state: 'Z',
        parent: hostPid(change.parent ?? 4711),
        threads: change.threads ?? 1,
      },
    }),
  );

function judge(
  processes: readonly ProcessFacts[],
  pids?: { current: number; max: number; refused?: number },
) {
  const before = pidsSample({ current: pids?.current ?? 1, limit: limitOf(pids?.max ?? 128) });
  const after = { ...before, refusals: present(pids?.refused ?? 0) };
  return rule({
    ...common(),
    processes,
    pids: pids === undefined ? notThere : present(chain(level('/box/web-1', after, before))),
    freezer: notThere,
  });
}

test.each<[string, readonly ProcessFacts[]]>([
  ['nothing but live processes', [init, worker]],
  ['zombies that a working parent is about to reap', [init, ...zombies(30, { fresh: true })]],
  ['a process whose main thread ended while others run', [init, ...zombies(1, { threads: 4 })]],
])('ruled out: %s', (_, processes) => {
  expect(judge(processes)).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, readonly ProcessFacts[], Parameters<typeof judge>[1], string]>([
  ['one old zombie', zombies(1), { current: 2, max: 128 }, 'notice'],
  ['nine, without a limit', zombies(9), undefined, 'notice'],
  ['ten', zombies(10), undefined, 'warning'],
  ['few, but a tenth of what is allowed', zombies(3), { current: 4, max: 30 }, 'warning'],
  [
    'few, but more of them each second',
    [...zombies(2), ...zombies(1, { fresh: true })],
    undefined,
    'warning',
  ],
  [
    'the limit is reached, by others: a single zombie',
    zombies(1),
    { current: 50, max: 50, refused: 3 },
    'notice',
  ],
  ['the limit is reached', zombies(48), { current: 50, max: 50 }, 'critical'],
  ['forks were refused in the window', zombies(48), { current: 49, max: 50, refused: 3 }, 'critical'],
])('%s: %s', (_, dead, pids, severity) => {
  expect(judge([init, ...dead], pids)).toMatchObject({ kind: 'found', severity, certainty: 'proved' });
});

test.each(['frozen', 'freezing'] as const)(
  'of a %s container nothing is said: nobody in it can reap',
  state => {
    const frozen = level<FreezerSample>('/box', { state });
    const thawed = level<FreezerSample>('/box/web-1', { state: 'thawed' });
    const freezer = present(chain(thawed, frozen));
    const processes = [init, ...zombies(30)];
    expect(rule({ ...common(), processes, pids: notThere, freezer })).toMatchObject({
      kind: 'inconclusive',
      missing: [{ remedy: expect.stringContaining('/box is thawed') }],
    });
  },
);

test('names PID 1, counts the dead and the living against the limit', () => {
  const verdict = judge([init, ...zombies(48)], { current: 49, max: 128 });
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(
      /^48 ended processes .* PID 1 \(sleep 3600\) .* 49 of the 128 .* 1 thread /,
    ),
  });
});

test('names another parent by its pid on both sides, and how to be rid of them', () => {
  const verdict = judge([init, worker, ...zombies(12, { parent: 5000 }), ...zombies(1)]);
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(/process 5000 \(\/usr\/bin\/app, 9 inside\).* 1 more /),
    fixes: [{}, { command: 'kill -TERM 5000' }, {}],
  });
});

test('a parent outside the container is said to be outside', () => {
  expect(judge([init, ...zombies(1, { parent: 900 })])).toMatchObject({
    summary: expect.stringContaining('process 900, which is not in the container'),
  });
});

test('the limit that counts may be an ancestor: the one with the fewest places left', () => {
  const own = level('/box/web-1', pidsSample({ current: 49, limit: noLimit }));
  const parent = level('/box', pidsSample({ current: 60, limit: limitOf(60) }));
  const verdict = rule({
    ...common(),
    processes: [init, ...zombies(48)],
    pids: present(chain(own, parent)),
    freezer: notThere,
  });
  expect(verdict).toMatchObject({
    severity: 'critical',
    summary: expect.stringContaining('60 of the 60 that /box'),
  });
});

test('cgroup v2 text and a parent that is stopped', () => {
  const stopped = process(4711, { status: { state: 'T' } });
  const own = level('/box.scope', pidsSample({ current: 12, limit: limitOf(100) }), undefined, 'v2');
  const verdict = rule({
    ...common(),
    processes: [stopped, ...zombies(11)],
    pids: present(chain(own)),
    freezer: notThere,
  });
  expect(verdict).toMatchObject({ summary: expect.stringContaining('is stopped') });
  expect(verdict.kind === 'found' && verdict.excluded.map(({ claim }) => claim).join()).not.toContain(
    'not stopped',
  );
});

test('the lab, captured on Linux 6.18: sleep as PID 1 with 40 orphans, and its twin that waits', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringMatching(/^40 ended processes .* 41 of the 64 /),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('cgroup v2 as Linux 6.1 writes it: the same files, refusals in pids.events', () => {
  const at = (events: string) => {
    const sample = readPids(
      cgroupOf('v2', { 'pids.current': '50\n', 'pids.max': '50\n', 'pids.events': events }),
    );
    if (!sample.present) throw new Error(sample.remedy);
    return sample.value;
  };
  const verdict = rule({
    ...common(),
    processes: [init, ...zombies(48)],
    pids: present(chain(level('/system.slice/box.scope', at('max 4\n'), at('max 1\n'), 'v2'))),
    freezer: notThere,
  });
  expect(verdict).toMatchObject({ severity: 'critical', summary: expect.stringContaining('50 of the 50') });
});
