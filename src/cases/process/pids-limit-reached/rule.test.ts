import { expect, test } from 'vitest';
import { cgroupOf } from '../../../../test/support/cgroup.ts';
import { chain, common, container, level, pidsSample, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Chain } from '../../../diagnose/facts.ts';
import type { PidsSample } from '../../../linux/cgroup/model.ts';
import { readPids } from '../../../linux/cgroup/pids.ts';
import { absent, present } from '../../../linux/reading.ts';
import { limitOf, noLimit } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const sample = (current: number, max: number | 'max', refused = 0): PidsSample =>
  pidsSample({ current, limit: max === 'max' ? noLimit : limitOf(max), refusals: present(refused) });
const own = (current: number, max: number | 'max', refused = 0, before = 0) =>
  level('/box/web-1', sample(current, max, refused), sample(current, max, before));

const workers = (count: number, change: { state?: string; threads?: number } = {}) =>
  Array.from({ length: count }, (_, index) =>
    process(5000 + index, {
      commandLine: change.state === 'Z' ? [] : ['worker'],
      zombieInBothSamples: change.state === 'Z',
      status: { state: change.state ?? 'S', threads: change.threads ?? 1 },
    }),
  );

const judge = (
  pids: Chain<PidsSample>,
  processes: readonly ProcessFacts[] = workers(50),
  change: Parameters<typeof container>[0] = {},
) => rule({ ...common({ container: container(change) }), pids, processes });

test.each<[string, Chain<PidsSample>, string]>([
  ['refused in the window', chain(own(50, 50, 7, 4)), 'critical'],
  ['refused in the window, and a place is free again', chain(own(49, 50, 7, 4)), 'critical'],
  ['full, refused before', chain(own(50, 50, 7, 7)), 'critical'],
  ['full, and nothing was ever refused', chain(own(50, 50)), 'warning'],
  ['above the limit, which was lowered', chain(own(60, 50)), 'warning'],
  ["refused in a strangers' cgroup that has room", { ...chain(own(40, 50, 7, 4)), shared: true }, 'notice'],
])('%s: %s', (_, pids, severity) => {
  expect(judge(pids)).toMatchObject({ kind: 'found', severity, certainty: 'proved' });
});

test.each<[string, Chain<PidsSample>]>([
  ['no limit', chain(own(5000, 'max'), level('/', sample(9000, 'max')))],
  ['room, and nothing refused', chain(own(49, 50))],
  ['room again after refusals before the window', chain(own(20, 50, 300, 300))],
  ['a counter that went back', chain(own(20, 50, 1, 300))],
])('ruled out: %s', (_, pids) => {
  expect(judge(pids)).toMatchObject({ kind: 'ruled-out' });
});

test('a cgroup made again between the samples: what it holds counts, not what it refused', () => {
  const again = { ...own(20, 50, 9), first: absent('/box/web-1', 'vanished', 'made again; look again') };
  expect(judge(chain(again))).toMatchObject({ kind: 'ruled-out' });
});

test('full of zombies: that is another case', () => {
  const processes = [...workers(10), ...workers(40, { state: 'Z' })];
  expect(judge(chain(own(50, 50, 7, 4)), processes)).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: '50; 40 in Z' }],
  });
  const few = [...workers(45), ...workers(5, { state: 'Z' })];
  expect(judge(chain(own(50, 50, 7, 4)), few)).toMatchObject({ kind: 'found' });
});

test('a process whose main thread has ended is no zombie: its threads hold the places', () => {
  expect(judge(chain(own(50, 50)), workers(1, { state: 'Z', threads: 50 }))).toMatchObject({ kind: 'found' });
});

test('names who holds them: by tasks, not by processes', () => {
  const pool = process(6000, { commandLine: ['java', '-jar', 'a.jar'], status: { threads: 40 } });
  expect(judge(chain(own(50, 50, 3)), [...workers(10), pool])).toMatchObject({
    summary: expect.stringContaining('java -jar a.jar: 40 tasks in 1 process'),
  });
});

test('the limit of a cgroup above is named; on v1 the refusal is counted in the one that forked', () => {
  const parent = level('/box', sample(60, 60));
  expect(judge(chain(own(20, 'max', 5, 2), parent), workers(20))).toMatchObject({
    severity: 'critical',
    summary: expect.stringMatching(/\/box above .* 60 of its 60 tasks, 20 of them .*: 3 forks/),
    fixes: [{ command: 'echo 120 > /sys/fs/cgroup/test/box/pids.max' }, {}],
  });
});

test('docker is told in its own words; a pod gets no command', () => {
  const command = (change: Parameters<typeof container>[0]) => {
    const verdict = judge(chain(own(50, 50)), workers(50), change);
    return verdict.kind === 'found' ? verdict.fixes[0]?.command : '';
  };
  expect(command({ engine: 'docker', id: '3f2ac01b7d5e9f00' })).toBe(
    'docker update --pids-limit 100 3f2ac01b7d5e',
  );
  expect(command({ pod: { namespace: 'a', name: 'b', container: 'c' } })).toBeUndefined();
});

test('claims stay short, whatever a process calls itself', () => {
  const verdict = judge(chain(own(50, 50, 3)), [process(1, { commandLine: ['x'.repeat(4000)] })]);
  if (verdict.kind !== 'found') throw new Error(verdict.kind);
  for (const { claim } of [...verdict.evidence, ...verdict.excluded]) expect(claim.length).toBeLessThan(66);
});

test('the lab, captured on Linux 6.18: a pool of 48 under a limit of 40, and of 96', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringMatching(/^40 of the 40 tasks .* sleep 3600: 33 tasks in 33 processes/),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('cgroup v2 as Linux 6.11 writes it: refusals in the level with the limit, in pids.events.local', () => {
  const at = (events: string): PidsSample => {
    const read = readPids(
      cgroupOf('v2', {
        'pids.current': '50\n',
        'pids.max': '50\n',
        'pids.events': 'max 90\n',
        'pids.events.local': events,
      }),
    );
    if (!read.present) throw new Error(read.remedy);
    return read.value;
  };
  const parent = level('/system.slice', at('max 4\n'), at('max 1\n'), 'v2');
  expect(judge(chain(own(20, 'max'), parent), workers(20))).toMatchObject({
    severity: 'critical',
    summary: expect.stringContaining('3 forks'),
  });
});
