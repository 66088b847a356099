import { expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { type LabProgress, type Probe, runLab } from '../../src/lab/runner.ts';
import { bytes } from '../../src/linux/units.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';
import { sampleCase, sampleLab, sampleProbe } from './sample-lab.ts';

const run = (lab: Lab, probe: Probe = sampleProbe) => runLab(lab, { caseId: sampleCase, probe });
const figure = (healthy: number | null, problem: number | null, fixed: number | null) => [
  { name: 'refused forks', unit: 'count', healthy, problem, fixed },
];

labTest('a lab goes from the healthy twin over the problem to the fix', async () => {
  const events: LabProgress[] = [];
  const result = await runLab(sampleLab, {
    caseId: sampleCase,
    probe: sampleProbe,
    progress: event => events.push(event),
  });
  expect(result).toMatchObject({
    case: sampleCase,
    engine: 'bare',
    reproduced: true,
    fixed: true,
    healthySilent: true,
    skipped: null,
    error: null,
    stages: { healthy: { found: [] }, problem: { found: [sampleCase] }, fix: { found: [] } },
  });
  expect(result.figures).toEqual(figure(0, expect.any(Number), 0));
  expect(result.figures[0]?.problem).toBeGreaterThan(0);
  const steps = ['starting', 'diagnosing', 'done'];
  expect(events.map(({ stage, step }) => `${stage} ${step}`)).toEqual(
    ['healthy', 'problem', 'fix'].flatMap(stage => steps.map(step => `${stage} ${step}`)),
  );
  expect(remainsOf(process.pid, 'no marker')).toEqual([]);
});

labTest('a warning about the healthy twin is not silence, a notice of another case is', async () => {
  const noisy: Probe = async container => [
    ...(await sampleProbe(container)),
    { case: 'memory/other', kind: 'found', severity: 'warning' },
  ];
  const quiet: Probe = async container => [
    ...(await sampleProbe(container)),
    { case: 'memory/other', kind: 'found', severity: 'notice' },
    { case: 'memory/third', kind: 'ruled-out' },
  ];
  expect((await run(sampleLab, noisy)).healthySilent).toBe(false);
  expect((await run(sampleLab, quiet)).healthySilent).toBe(true);
});

labTest('a problem that is not found, and a fix that does not hold, are told', async () => {
  expect(await run(sampleLab, async () => [])).toMatchObject({ reproduced: false, fixed: true });
  const always: Probe = async () => [{ case: sampleCase, kind: 'found', severity: 'critical' }];
  expect(await run(sampleLab, always)).toMatchObject({
    reproduced: true,
    fixed: false,
    healthySilent: false,
  });
});

labTest('a stage that breaks keeps what was seen before, and everything is taken down', async () => {
  const broken: Lab = {
    ...sampleLab,
    problem: {
      says: 'a program that fails',
      start: async bench => {
        const container = await bench.container({
          name: 'failing',
          program: { kind: 'shell', script: 'echo no such luck >&2; exit 1' },
        });
        await container.line(/^ready$/);
        return container;
      },
    },
  };
  const result = await run(broken);
  expect(result).toMatchObject({ reproduced: false, fixed: false, healthySilent: true });
  expect(result.error).toMatch(/failing: it ended before it printed.*no such luck/s);
  expect(result.figures).toEqual(figure(0, null, null));
  expect(remainsOf(process.pid, 'no marker')).toEqual([]);
});

test('an unmet need skips a lab with the reason and the remedy', async () => {
  const needy = (need: Lab['needs'][number]): Lab => ({ ...sampleLab, needs: [need] });
  for (const need of [
    { kind: 'cpus', count: 100_000 },
    { kind: 'program', name: 'no-such-program', package: 'its-package' },
    { kind: 'disk', free: bytes(Number.MAX_SAFE_INTEGER) },
  ] as const) {
    const result = await run(needy(need));
    expect(result).toMatchObject({ reproduced: false, error: null, stages: {}, seconds: 0 });
    expect(result.skipped?.because).toBeTruthy();
    expect(result.skipped?.remedy).toBeTruthy();
  }
});

const memoryOf = (version: 'v1' | 'v2') => ({ kind: 'controller', controller: 'memory', version }) as const;
labTest(
  'a need of one cgroup version is unmet on the other',
  [{ kind: 'controller', controller: 'memory' }],
  async () => {
    const unmet = (['v1', 'v2'] as const).flatMap(version => findUnmetNeed([memoryOf(version)]) ?? []);
    expect(unmet).toEqual([
      {
        because: expect.stringMatching(
          /the memory controller of cgroup v([12]), and this host has that of v(?!\1)/,
        ),
        remedy: expect.stringMatching(/--vm=v[12]/),
      },
    ]);
  },
);
