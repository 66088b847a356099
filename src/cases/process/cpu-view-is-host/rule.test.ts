import { expect, test } from 'vitest';
import {
  chain,
  common,
  container,
  cpuSample,
  host,
  level,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Chain } from '../../../diagnose/facts.ts';
import type { CpuSample, CpusetSample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { limitOf, microseconds, noLimit } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const period = microseconds(100_000);
const withQuota = (cpus: number | 'max', usedMs = 0): CpuSample =>
  cpuSample({
    usage: present(microseconds(usedMs * 1000)),
    quota: present({
      quota: cpus === 'max' ? noLimit : limitOf(microseconds(cpus * 100_000)),
      period,
      burst: notThere,
    }),
  });
const at = (cpus: number | 'max', usedMs = 0, path = '/box/web-1', version: 'v1' | 'v2' = 'v1') =>
  level(path, withQuota(cpus, usedMs), withQuota(cpus), version);

const cpusetOf = (path: string, ...cpus: number[]): Chain<CpusetSample> =>
  chain(level(path, { cpus, memoryNodes: [0] }));

const pool = (threads: number, commandLine: readonly string[] = ['/usr/bin/app']): ProcessFacts =>
  process(4711, { commandLine, status: { threads } });

interface Change {
  readonly cpuset?: Chain<CpusetSample>;
  readonly hostCpus?: number;
  readonly container?: Parameters<typeof container>[0];
}
const judge = (cpu: Chain<CpuSample>, processes: readonly ProcessFacts[] = [pool(8)], change: Change = {}) =>
  rule({
    ...common({ host: host({ cpus: change.hostCpus ?? 8 }), container: container(change.container) }),
    cpu,
    processes,
    cpuset: change.cpuset === undefined ? notThere : present(change.cpuset),
  });

test('half a CPU, eight to see, eight threads: a notice with the true figures', () => {
  expect(judge(chain(at(0.5, 250)))).toMatchObject({
    kind: 'found',
    severity: 'notice',
    certainty: 'proved',
    summary: expect.stringMatching(
      /show 8 CPUs, and its limit is 0\.5: .* 8 threads; 8 of them .* 50 ms .* in 6\.25 ms\./,
    ),
    evidence: [
      { observed: '50000, 100000' },
      { observed: '8' },
      { observed: '8' },
      { claim: 'CPU it really used: 0.25, 50 % of its limit', observed: '+250 ms' },
      { observed: '0.1 0.1 0.1' },
    ],
  });
});

test.each<[string, ReturnType<typeof judge>]>([
  ['no limit', judge(chain(at('max'), at('max', 0, '/')))],
  ['as many CPUs as the host has', judge(chain(at(8)))],
  ['more', judge(chain(at(12)))],
  ['a part of a CPU less, which no whole number can show', judge(chain(at(7.5)))],
  ['a cpuset as small as the limit', judge(chain(at(0.5)), [pool(8)], { cpuset: cpusetOf('/box/web-1', 3) })],
  ['fewer threads than CPUs', judge(chain(at(0.5)), [pool(7)])],
  ['Java, which reads the quota', judge(chain(at(0.5)), [pool(40, ['/opt/jdk/bin/java', '-jar', 'a.jar'])])],
  [
    'the one with threads has ended',
    judge(chain(at(0.5)), [process(4711, { status: { state: 'Z', threads: 8 } })]),
  ],
  ['one CPU on the host', judge(chain(at(0.5)), [pool(8)], { hostCpus: 1 })],
])('ruled out: %s', (_, verdict) => {
  expect(verdict).toMatchObject({ kind: 'ruled-out' });
});

test('the smallest limit on the way up is the true one', () => {
  expect(judge(chain(at(4), at(1, 0, '/box'), at('max', 0, '/')))).toMatchObject({
    summary: expect.stringContaining('its limit is 1, set by the cgroup /box above it'),
  });
});

test('a cpuset that is larger than the limit: what it allows is what is seen', () => {
  expect(judge(chain(at(1)), [pool(8)], { cpuset: cpusetOf('/box/web-1', 2, 3, 4, 5) })).toMatchObject({
    summary: expect.stringContaining('show 4 CPUs, and its limit is 1'),
    fixes: [{}, { command: 'echo 2 > /sys/fs/cgroup/test/box/web-1/cpuset.cpus' }, {}],
  });
});

test('the cpuset command: in the words of the engine, none for pods, none for the root cgroup', () => {
  const command = (path: string, change: Parameters<typeof container>[0] = {}) => {
    const verdict = judge(chain(at(1.5)), [pool(8)], {
      cpuset: cpusetOf(path, 0, 1, 2, 3),
      container: change,
    });
    return verdict.kind === 'found' ? verdict.fixes[1]?.command : '';
  };
  expect(command('/docker/3f2a', { engine: 'docker', id: '3f2ac01b7d5e9f00' })).toBe(
    'docker update --cpuset-cpus 0,1 3f2ac01b7d5e',
  );
  expect(command('/k', { pod: { namespace: 'a', name: 'b', container: 'c' } })).toBeUndefined();
  expect(command('/')).toBeUndefined();
});

test('usage of a shared cgroup is not claimed to be its own', () => {
  const verdict = judge({ ...chain(at(0.5, 250)), shared: true });
  expect(verdict.kind === 'found' && verdict.evidence.map(({ claim }) => claim).join()).not.toContain(
    'really',
  );
});

test('cgroup v2: one file', () => {
  expect(judge(chain(at(0.5, 0, '/system.slice/box.scope', 'v2')))).toMatchObject({
    evidence: [{ observed: '50000 100000', source: expect.stringContaining('cpu.max') }, {}, {}, {}, {}],
  });
});

test('the lab, captured on Linux 6.18 with two CPUs: a pool under half a CPU, and without a limit', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringMatching(/show 2 CPUs, and its limit is 0\.5: .* has 9 threads; .* in 25 ms\./),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
